// Listens to a topic from the browser: a WebSocket, or a stream of events read as it comes. The token travels as the API wants it.
"use strict";
(() => {
  const box = document.querySelector("[data-console]");
  if (!box) return;
  const log = box.querySelector("[data-log]");
  const state = box.querySelector("[data-state]");
  const url = box.querySelector("[data-url]");
  const connect = box.querySelector("[data-connect]");
  const message = box.querySelector("[data-message]");
  const token = document.querySelector("[data-token]");
  const MOST = 200;
  let stop = null;

  function show(mark, text) {
    const line = document.createElement("p");
    line.textContent = `${new Date().toLocaleTimeString()} ${mark} ${text}`;
    log.append(line);
    while (log.children.length > MOST) log.firstChild.remove();
    log.scrollTop = log.scrollHeight;
  }

  function ended(text) {
    stop = null;
    state.textContent = text;
    connect.textContent = "Connect";
    if (message) message.disabled = true;
  }

  function socket() {
    const address = new URL(url.value);
    const value = token.value.trim().replace(/^Bearer\s+/i, "");
    if (value) address.searchParams.set("access_token", value);
    const connection = new WebSocket(address);
    connection.onopen = () => { state.textContent = "Connected"; if (message) message.disabled = false; };
    connection.onmessage = (event) => show("←", typeof event.data === "string" ? event.data : "binary message");
    connection.onclose = (event) => ended(`Closed: ${event.code}${event.reason ? ` – ${event.reason}` : ""}`);
    if (message) message.form.onsubmit = (event) => { event.preventDefault(); connection.send(message.value); show("→", message.value); message.value = ""; };
    return () => connection.close(1000);
  }

  function events() {
    const aborter = new AbortController();
    const value = token.value.trim().replace(/^Bearer\s+/i, "");
    const headers = value ? { [box.dataset.header]: `Bearer ${value}` } : {};
    fetch(url.value, { headers, signal: aborter.signal, credentials: "omit" }).then(async (answer) => {
      state.textContent = answer.ok ? "Connected" : `The gateway answered ${answer.status}`;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) show("←", part.value.trim());
      ended(answer.ok ? "The stream has ended" : state.textContent);
    }).catch((error) => ended(error.name === "AbortError" ? "Closed" : `No connection: ${error.message}`));
    return () => aborter.abort();
  }

  connect.addEventListener("click", () => {
    if (stop) { stop(); return; }
    try {
      state.textContent = "Connecting …";
      stop = box.dataset.console === "WS" ? socket() : events();
      connect.textContent = "Disconnect";
    } catch (error) {
      ended(error.message);
    }
  });
})();
