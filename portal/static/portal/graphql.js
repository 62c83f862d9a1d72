// Sends a GraphQL query to the gateway from the browser and shows the answer.
"use strict";
(() => {
  const box = document.querySelector("[data-graphql]");
  if (!box) return;
  const part = (name) => box.querySelector(`[data-${name}]`);
  const [send, query, variables, answer, state] = ["send", "query", "variables", "answer", "state"].map(part);
  const token = document.querySelector("[data-token]");

  function request() {
    const body = { query: query.value };
    if (variables.value.trim()) body.variables = JSON.parse(variables.value);
    const value = token.value.trim().replace(/^Bearer\s+/i, "");
    const headers = { "Content-Type": "application/json", Accept: "application/json" };
    if (value) headers[box.dataset.header] = `Bearer ${value}`;
    return { method: "POST", headers, body: JSON.stringify(body), credentials: "omit" };
  }

  function pretty(text) {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  }

  async function run() {
    if (send.hasAttribute("data-working")) return;
    send.setAttribute("data-working", "");
    state.textContent = "";
    const began = performance.now();
    try {
      const found = await fetch(part("address").value, request());
      answer.textContent = pretty(await found.text());
      state.textContent = `${found.status} after ${Math.round(performance.now() - began)} ms`;
    } catch (error) {
      answer.textContent = error instanceof SyntaxError ? `The variables are not valid JSON: ${error.message}` : `No answer: ${error.message}`;
    } finally {
      send.removeAttribute("data-working");
    }
  }

  send.disabled = !part("address").value;
  send.addEventListener("click", run);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
  });
})();
