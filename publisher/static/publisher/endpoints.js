// The endpoints page shows what belongs to the chosen kind and security. Without it everything is shown, and works.
"use strict";
(() => {
  const form = document.querySelector("[data-endpoints]");
  if (!form) return;
  const kind = form.querySelector("[name=kind]");
  const fields = {
    basic: ["username", "password"],
    digest: ["username", "password"],
    oauth: ["grant", "token_url", "client_id", "client_secret", "parameters"],
    api_key: ["key_name", "key_value", "key_place"],
  };
  function showKinds() {
    for (const part of form.querySelectorAll("[data-kinds]")) part.hidden = !part.dataset.kinds.split(" ").includes(kind.value);
  }
  function showSecurity(group) {
    const chosen = group.querySelector("[name$=_security]");
    const side = chosen.name.replace(/_security$/, "");
    const shown = new Set((fields[chosen.value] || []).map((name) => `${side}_${name}`));
    if (chosen.value === "oauth" && group.querySelector(`[name=${side}_grant]`).value === "password") {
      shown.add(`${side}_username`).add(`${side}_password`);
    }
    for (const field of group.querySelectorAll("[data-field]")) {
      field.hidden = field.dataset.field !== chosen.name && !shown.has(field.dataset.field);
    }
  }
  kind.addEventListener("change", showKinds);
  showKinds();
  for (const group of form.querySelectorAll("[data-security]")) {
    group.addEventListener("change", () => showSecurity(group));
    showSecurity(group);
  }
})();
