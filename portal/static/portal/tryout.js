// Boots the try-out console (Swagger UI from our own files) and puts the chosen application's test token on its calls.
"use strict";
(() => {
  const box = document.getElementById("swagger");
  const field = document.querySelector("[data-token]");
  const curl = document.querySelector("[data-curl]");
  const form = document.querySelector("[data-token-form]");
  const definition = box ? new URL(box.dataset.definition, location.href).href : "";
  const token = () => field.value.trim().replace(/^Bearer\s+/i, "");

  function showCurl() {
    if (curl) curl.textContent = token() ? curl.dataset.curl.replace("$TOKEN", token()) : curl.dataset.curl;
  }

  // Our own definition needs no token; every other address of the document is the gateway's.
  function authorize(request) {
    if (request.url !== definition && token()) request.headers[box.dataset.header] = `Bearer ${token()}`;
    return request;
  }

  async function fetchToken(event) {
    event.preventDefault();
    const button = form.querySelector("button");
    button.setAttribute("data-working", "");
    try {
      const headers = { Accept: "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
      const wanted = new URLSearchParams(new FormData(form).getAll("scopes").map((scope) => ["scopes", scope]));
      const answer = await fetch(form.elements.key.value, { method: "POST", headers, body: wanted, credentials: "same-origin" });
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.description || body.message || `The server answered ${answer.status}.`);
      field.value = body.access_token;
      showCurl();
      window.apim.toast(`The token is valid for ${body.expires_in} seconds and is sent with every call below.`, "ok");
    } catch (error) {
      window.apim.toast(`No token: ${error.message}`, "bad");
    } finally {
      button.removeAttribute("data-working");
    }
  }

  field.addEventListener("input", showCurl);
  if (form) {
    form.addEventListener("submit", fetchToken);
    form.querySelector("button").disabled = false;
  }
  if (!box) return; // streaming APIs have a console of their own
  box.textContent = "";
  window.SwaggerUIBundle({
    url: definition,
    domNode: box,
    presets: [window.SwaggerUIBundle.presets.apis],
    requestInterceptor: authorize,
    tryItOutEnabled: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    withCredentials: false,
  });
})();
