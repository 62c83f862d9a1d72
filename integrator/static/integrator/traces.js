/* A trace's flow: a step opens in the panel without loading the page; keys go from step to step. Without it links do. */
(() => {
  const box = document.querySelector("[data-trace]");
  if (!box) return;
  const panel = box.querySelector("[data-panel]");
  const nodes = [...box.querySelectorAll("[data-step]")];
  const held = new Map();
  let wanted = 0;

  const current = () => nodes.find((node) => node.getAttribute("aria-current") === "true") || nodes[0];

  function reveal(node) {
    for (let part = node.parentElement; part && part !== box; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    node.scrollIntoView({ block: "nearest" });
  }

  async function fragment(number) {
    if (!held.has(number)) {
      const answer = await fetch(`?step=${number}&part=1`, { headers: { accept: "text/html" }, credentials: "same-origin" });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      held.set(number, await answer.text());
    }
    return held.get(number);
  }

  async function choose(node, focus) {
    const turn = ++wanted;
    for (const other of nodes) other.removeAttribute("aria-current");
    node.setAttribute("aria-current", "true");
    reveal(node);
    if (focus) node.focus({ preventScroll: true });
    panel.setAttribute("data-loading", "");
    try {
      const text = await fragment(node.dataset.step);
      if (turn !== wanted) return;
      panel.innerHTML = text;
      panel.scrollTop = 0;
      history.replaceState(null, "", `?step=${node.dataset.step}`);
      if (matchMedia("(max-width: 68rem)").matches && !focus) panel.scrollIntoView({ block: "start" });
    } catch {
      location.href = node.href;
    } finally {
      if (turn === wanted) panel.removeAttribute("data-loading");
    }
  }

  box.addEventListener("click", (event) => {
    const node = event.target.closest("[data-step]");
    if (!node || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    choose(node, false);
  });

  const shown = () => nodes.filter((node) => node.offsetParent !== null);
  const move = (by) => {
    const list = shown();
    const next = list[list.indexOf(current()) + by];
    if (next) choose(next, true);
  };
  const keys = { j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1) };
  keys.f = () => {
    const failed = box.querySelector(".flow-origin > [data-step]");
    if (failed) choose(failed, true);
  };
  keys.e = () => { for (const part of box.querySelectorAll("details.flow-branch")) part.open = true; };

  document.addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || event.target.closest("input, textarea, select")) return;
    const arrow = event.key.startsWith("Arrow");
    if (arrow && !event.target.closest(".trace-flow")) return;
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  const first = current();
  if (first && first.dataset.step !== "0") reveal(first);
})();
