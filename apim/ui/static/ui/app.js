// Behaviour of every page: theme, confirmation, copying, toasts, menus, row links, tabs and keyboard. No page needs it to work.
"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // Theme: light, dark, or as the system says.
  const storedTheme = () => { try { return localStorage.getItem("apim-theme") || "system"; } catch { return "system"; } };
  function setTheme(choice) {
    if (choice === "system") delete root.dataset.theme; else root.dataset.theme = choice;
    try { localStorage.setItem("apim-theme", choice); } catch { /* storage is off: holds for this page */ }
    showTheme(choice);
  }
  function showTheme(choice) {
    for (const button of all("[data-theme-choice]")) button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
  }
  for (const group of all(".theme")) group.hidden = false;
  showTheme(storedTheme());
  addEventListener("storage", (event) => { if (event.key === "apim-theme") setTheme(event.newValue || "system"); });

  // Toasts: apim.toast("Saved.", "ok"). Errors stay until they are dismissed.
  const TOAST_MS = 6000;
  function startToast(toast) {
    if (toast.classList.contains("toast-bad")) return;
    let timer = setTimeout(() => toast.remove(), TOAST_MS);
    toast.addEventListener("pointerenter", () => clearTimeout(timer));
    toast.addEventListener("pointerleave", () => { timer = setTimeout(() => toast.remove(), TOAST_MS); });
  }
  function toast(text, kind = "info") {
    const made = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
    made.classList.add(`toast-${kind}`);
    made.querySelector(".toast-text").textContent = text;
    document.getElementById("toasts").append(made);
    startToast(made);
  }
  all("#toasts [data-toast]").forEach(startToast);

  // Confirmation: data-confirm="question" [data-confirm-action="Delete"] on a button, link or form.
  function confirmed(question, action = "Continue", danger = false) {
    const dialog = document.getElementById("confirm");
    const ok = dialog.querySelector("[data-confirm-ok]");
    dialog.querySelector(".dialog-title").textContent = question;
    ok.textContent = action;
    ok.className = danger ? "btn btn-solid-danger" : "btn btn-primary";
    dialog.returnValue = "cancel";
    dialog.showModal();
    return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "ok"), { once: true }));
  }
  const isDanger = (element) => element.classList.contains("btn-danger") || element.matches("[data-danger]") || /delete|remove|revoke|retire/i.test(element.dataset.confirmAction || "");
  async function askFirst(event, element, go) {
    if (element.dataset.confirmed) { delete element.dataset.confirmed; return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!(await confirmed(element.dataset.confirm, element.dataset.confirmAction, isDanger(element)))) { element.focus?.(); return; }
    element.dataset.confirmed = "yes";
    go();
  }
  document.addEventListener("click", (event) => {
    const element = event.target.closest("[data-confirm]:not(form)");
    if (element) askFirst(event, element, () => element.click());
  }, true);
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("form[data-confirm]")) askFirst(event, form, () => form.requestSubmit(event.submitter));
  }, true);

  // A form marked data-busy shows that it works and is sent only once.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || !event.target.matches("[data-busy]")) return;
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    event.target.dataset.sent = "yes";
    event.submitter?.setAttribute("data-working", "");
  });
  addEventListener("pageshow", () => {
    for (const form of all("form[data-sent]")) delete form.dataset.sent;
    for (const button of all("[data-working]")) button.removeAttribute("data-working");
  });

  // Copying.
  async function copy(text) {
    try { await navigator.clipboard.writeText(text); toast("Copied.", "ok"); }
    catch { toast("The browser did not allow copying.", "warn"); }
  }

  // One click handler for small things.
  document.addEventListener("click", (event) => {
    const hit = (selector) => event.target.closest(selector);
    const themed = hit("[data-theme-choice]");
    if (themed) setTheme(themed.dataset.themeChoice);
    const copied = hit("[data-copy], [data-copy-from]");
    if (copied) copy(copied.dataset.copy ?? document.querySelector(copied.dataset.copyFrom)?.textContent ?? "");
    if (hit("[data-dismiss]")) hit("[data-toast], .alert")?.remove();
    if (hit("[data-back]")) history.back();
    const reveal = hit("[data-reveal]");
    if (reveal) showSecret(reveal);
    for (const menu of all("[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
    const row = hit("tr[data-href]");
    if (row && !hit("a, button, input, select, textarea, label") && !getSelection().toString()) followRow(row, event);
  });
  const followRow = (row, event) => (event.ctrlKey || event.metaKey ? open(row.dataset.href, "_blank", "noopener") : location.assign(row.dataset.href));
  function showSecret(button) {
    const target = document.querySelector(button.dataset.reveal);
    const hidden = target.dataset.hidden ?? target.textContent;
    const shown = target.dataset.shown === "yes";
    target.dataset.hidden = hidden;
    target.textContent = shown ? hidden : target.dataset.secret;
    target.dataset.shown = shown ? "" : "yes";
    button.setAttribute("aria-pressed", String(!shown));
  }
  if (history.length > 1) for (const button of all("[data-back]")) button.hidden = false;

  // A select or checkbox with data-autosubmit sends its form when it changes.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit();
  });

  // Keyboard: "/" goes to the search, Escape closes menus.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") for (const menu of all("[data-menu][open]")) { menu.open = false; menu.querySelector("summary").focus(); }
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) return;
    const search = document.querySelector("[data-search], input[type=search]");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  });

  // Tabs in the page: <div data-tabs><div class="tabs" role="tablist"><button role="tab" aria-controls="a">…</div><div id="a">…</div></div>
  function choose(tabs, tab, focus = false) {
    for (const other of tabs) {
      const on = other === tab;
      other.setAttribute("aria-selected", String(on));
      other.tabIndex = on ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !on;
    }
    if (focus) tab.focus();
  }
  for (const box of all("[data-tabs]")) {
    const tabs = all('[role="tab"]', box).filter((tab) => tab.closest("[data-tabs]") === box);
    if (!tabs.length) continue;
    for (const tab of tabs) {
      const panel = document.getElementById(tab.getAttribute("aria-controls"));
      tab.id ||= `${panel.id}-tab`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      tab.addEventListener("click", () => choose(tabs, tab));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const next = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : step && (tabs.indexOf(tab) + step + tabs.length) % tabs.length;
        if (next !== undefined) { event.preventDefault(); choose(tabs, tabs[next], true); }
      });
    }
    choose(tabs, tabs.find((tab) => tab.getAttribute("aria-selected") === "true") ?? tabs[0]);
  }

  // Wide tables scroll inside a frame of their own instead of widening the page.
  for (const table of all("table.table")) {
    if (table.parentElement.classList.contains("table-wrap")) continue;
    const frame = document.createElement("div");
    frame.className = "table-wrap";
    table.replaceWith(frame);
    frame.append(table);
  }
  for (const frame of all(".table-wrap")) {
    if (frame.scrollWidth <= frame.clientWidth) continue;
    frame.tabIndex = 0;
    frame.setAttribute("role", "group");
    frame.setAttribute("aria-label", "Table, scrolls sideways");
  }
  for (const bar of all(".top-nav, .sub-nav-inner, .tabs")) {
    const here = bar.querySelector("[aria-current]");
    if (here) bar.scrollLeft = here.offsetLeft - bar.offsetLeft - 24;
  }

  window.apim = Object.freeze({ toast, confirm: confirmed, copy });
})();
