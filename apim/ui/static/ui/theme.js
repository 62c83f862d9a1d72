// Runs before the first paint, so that a chosen theme never flashes. The rest is in app.js.
"use strict";
(() => {
  let choice = "system";
  try { choice = localStorage.getItem("apim-theme") || "system"; } catch { /* storage is off: follow the system */ }
  if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
})();
