// Follows the end of a log: asks for it again every three seconds while the box is ticked and the page is seen.
"use strict";
(() => {
  const log = document.querySelector("[data-tail]"), box = document.getElementById("follow");
  if (!log || !box) return;
  const bottom = () => { log.scrollTop = log.scrollHeight; };
  box.closest("label").hidden = false;
  bottom();
  let asking = false;
  setInterval(async () => {
    if (!box.checked || asking || document.hidden) return;
    asking = true;
    try {
      const answer = await fetch(log.dataset.tail, { credentials: "same-origin" });
      const text = await answer.text();
      if (text !== log.textContent) { log.textContent = text; bottom(); }
    } catch { log.textContent += "\n(the page could not be reached; it is tried again)"; box.checked = false; }
    asking = false;
  }, 3000);
})();
