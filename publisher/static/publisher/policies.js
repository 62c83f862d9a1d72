// Drag and drop of policies: into a flow, and within one. Everything can be done with links and buttons too.
(() => {
  const flows = document.querySelector("[data-flows]");
  const form = document.getElementById("policy-drop");
  if (!flows || !form) return;
  let dragged = null;

  const lanes = [...document.querySelectorAll("[data-lane]")];
  const allowed = (lane) => dragged && (dragged.lane ? dragged.lane === lane.dataset.lane : dragged.flows.includes(lane.dataset.lane));

  const clean = () => {
    lanes.forEach((lane) => lane.classList.remove("may-drop"));
    document.querySelectorAll(".drop-before, .dragged").forEach((one) => one.classList.remove("drop-before", "dragged"));
  };

  const place = (lane, event) => {
    const cards = [...lane.querySelectorAll("[data-card]")];
    const under = cards.find((card) => {
      const box = card.getBoundingClientRect();
      return event.clientY < box.bottom && event.clientX < box.left + box.width / 2;
    });
    cards.forEach((card) => card.classList.toggle("drop-before", card === under));
    return under ? cards.indexOf(under) : cards.length;
  };

  const send = (values) => {
    for (const [name, value] of Object.entries(values)) form.elements[name].value = value;
    form.submit();
  };

  // Buttons load the page anew: the keyboard goes on at the card that was moved, or at its lane.
  const KEY = "policies.moved";
  flows.addEventListener("submit", (event) => {
    const tools = event.target.closest(".policy-tools");
    const what = event.submitter?.value;
    if (!tools || !what) return;
    const step = { earlier: -1, later: 1, remove: 0 }[what] ?? 0;
    sessionStorage.setItem(KEY, JSON.stringify([location.pathname, tools.elements.flow.value, Number(tools.elements.index.value) + step, what]));
  });
  const moved = JSON.parse(sessionStorage.getItem(KEY) || "null");
  sessionStorage.removeItem(KEY);
  if (moved && moved[0] === location.pathname) {
    const cards = [...document.querySelectorAll(`[data-lane="${moved[1]}"] [data-card]`)];
    const card = cards[Math.min(moved[2], cards.length - 1)];
    (card?.querySelector(`[value="${moved[3]}"]`) || card?.querySelector(".policy-tools button"))?.focus();
  }

  document.addEventListener("dragstart", (event) => {
    const item = event.target.closest("[data-policy], [data-card]");
    if (!item) return;
    const lane = item.closest("[data-lane]");
    dragged = lane
      ? { lane: lane.dataset.lane, index: Number(item.dataset.card) }
      : { policy: item.dataset.policy, flows: item.dataset.flowsOf.trim().split(" "), attributes: "attributes" in item.dataset };
    item.classList.add("dragged");
    event.dataTransfer.effectAllowed = "copyMove";
    event.dataTransfer.setData("text/plain", item.querySelector("strong")?.textContent || "");
    lanes.forEach((one) => one.classList.toggle("may-drop", Boolean(allowed(one))));
  });
  document.addEventListener("dragend", () => { dragged = null; clean(); });

  lanes.forEach((lane) => {
    lane.addEventListener("dragover", (event) => {
      if (!allowed(lane)) return;
      event.preventDefault();
      place(lane, event);
    });
    lane.addEventListener("drop", (event) => {
      if (!allowed(lane)) return;
      event.preventDefault();
      const to = place(lane, event);
      const flow = lane.dataset.lane;
      if (dragged.lane) {
        const target = to > dragged.index ? to - 1 : to;
        if (target !== dragged.index) send({ flow, do: "move", index: dragged.index, to: target, new: "" });
        else clean();
      } else if (dragged.attributes) {
        location.href = `${flows.dataset.here}&flow=${flow}&new=${dragged.policy}&to=${to}#panel`;
      } else {
        send({ flow, do: "add", index: "", to, new: dragged.policy });
      }
    });
  });
})();
