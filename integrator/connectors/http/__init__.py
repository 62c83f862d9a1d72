"""http: calls of HTTP services below a base address."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

from integrator.connectors.asking import Api, joined
from integrator.connectors.tokens import Grant, token_of
from integrator.engine.connectors.calls import Call
from integrator.engine.connectors.declare import Connector, Parameter, Result
from integrator.engine.connectors.values import ValueProblem
from integrator.engine.content import media
from integrator.engine.content.payload import Payload, decode_json
from integrator.engine.endpoints.transmit import transmit
from integrator.engine.errors import Fault
from integrator.engine.message import Message
from integrator.engine.xmltools import serialise

CODE = 0
TOKENS = Api(303003, "HTTP:TOKEN")

CONNECTOR = Connector(
    "http",
    "Calls of HTTP services below a base address.",
    (
        Parameter("baseUrl", "Address that every `relativePath` is put behind.", required=True),
        Parameter(
            "authType", "How the integrator shows who it is.", default="None", choices=("None", "Basic", "OAuth")
        ),
        Parameter("username", "User of Basic, or of the password grant."),
        Parameter("password", "Password of that user.", secret=True),
        Parameter(
            "oauthAuthorizationMode",
            "Where client id and secret go.",
            default="Header",
            choices=("Header", "Payload"),
        ),
        Parameter(
            "oauthGrantType",
            "Grant; Authorization Code means the refresh token of one.",
            default="Client Credentials",
            choices=("Authorization Code", "Client Credentials", "Password"),
        ),
        Parameter("clientId", "OAuth client."),
        Parameter("clientSecret", "Secret of the client.", secret=True),
        Parameter("tokenUrl", "Token endpoint."),
        Parameter("refreshToken", "Refresh token.", secret=True),
        Parameter("timeoutDuration", "Milliseconds to wait for an answer.", "integer", default=60_000),
    ),
)

FLAGS = {
    "disableChunking": "DISABLE_CHUNKING",
    "noEntityBody": "NO_ENTITY_BODY",
    "forceHttp10": "FORCE_HTTP_1.0",
    "noKeepAlive": "NO_KEEPALIVE",
    "postToUri": "POST_TO_URI",
    "forceScAccepted": "FORCE_SC_ACCEPTED",
    "faultsAsHttp200": "FAULTS_AS_HTTP_200",
    "forcePostPutNobody": "FORCE_POST_PUT_NOBODY",
    "forceHttpContentLength": "FORCE_HTTP_CONTENT_LENGTH",
    "copyContentLengthFromIncoming": "COPY_CONTENT_LENGTH_FROM_INCOMING",
}
TEXTS = {
    "httpSc": "HTTP_SC",
    "httpScDesc": "HTTP_SC_DESC",
    "nonErrorHttpStatusCodes": "non.error.http.status.codes",
    "requestHostHeader": "REQUEST_HOST_HEADER",
}
ALWAYS = (
    Parameter("relativePath", "Path and query below the base address.", default=""),
    Parameter("headers", 'Headers: `[{"name": "value"}]`, `[["name", "value"]]` or an object.', "json"),
    *(Parameter(name, f"Sets the axis2 property {held}.", "boolean") for name, held in FLAGS.items()),
    *(Parameter(name, f"Sets the axis2 property {held}.") for name, held in TEXTS.items()),
    Parameter("restUrlPostfix", "More of the path, put behind `relativePath`.", default=""),
)
BODY = (
    Parameter(
        "requestBodyType", "Which of the three is sent; the message's body without it.", choices=("JSON", "XML", "TEXT")
    ),
    Parameter("requestBodyJson", "Body as JSON.", "json"),
    Parameter("requestBodyXml", "Body as XML.", "xml"),
    Parameter("requestBodyText", "Body as text."),
)


async def send(call: Call, method: str) -> Any:
    """One request; the message becomes the answer, or its copy does when only a variable is wanted."""
    given = call.values
    url = joined(joined(call.connection["baseUrl"], given["relativePath"]), given["restUrlPostfix"])
    call.limits.host(urlsplit(url).hostname or "")
    message = call.message
    if given.get("responseVariable"):
        await message.payload.read()
        message = message.copy()
    await _prepare(call, message, method)
    await transmit(message, url, method, "rest", call.connection["timeoutDuration"])
    if message is call.message:
        return None
    await message.payload.read()
    status = message.axis2["HTTP_SC"]
    return Result(_value(message.payload), message.payload.content_type, dict(message.headers), {"statusCode": status})


async def _prepare(call: Call, message: Message, method: str) -> None:
    given = call.values
    for names in (FLAGS, TEXTS):
        for name, held in names.items():
            if given.get(name) is not None:
                message.axis2[held] = given[name]
    kind = given.get("requestBodyType")
    if kind:
        _set_body(message, given, kind)
    for name, value in _headers(given["headers"]):
        message.headers.set(name, value)
    authorization = await _authorization(call)
    if authorization:
        message.headers.set("Authorization", authorization)


def _set_body(message: Message, given: Any, kind: str) -> None:
    payload = message.payload
    if kind == "JSON":
        payload.set_json(given["requestBodyJson"])
        message.set_type(media.JSON)
    elif kind == "XML" and given["requestBodyXml"] is not None:
        payload.discard()
        payload.data, payload.content_type = serialise(given["requestBodyXml"]).encode(), media.XML
        message.set_type(media.XML)
    else:
        payload.discard()
        payload.data, payload.content_type = (given["requestBodyText"] or "").encode(), media.TEXT
        message.set_type(media.TEXT)


def _headers(given: Any) -> list[tuple[str, str]]:
    if given is None:
        return []
    items = list(given.items()) if isinstance(given, dict) else given
    found: list[tuple[str, str]] = []
    for item in items:
        pairs = list(item.items()) if isinstance(item, dict) else [item]
        for pair in pairs:
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise ValueProblem("parameter 'headers': pairs of name and value are expected")
            found.append((str(pair[0]).strip(), str(pair[1]).strip()))
    return [pair for pair in found if pair[0]]


async def _authorization(call: Call) -> str:
    given = call.connection
    if given["authType"] == "Basic":
        pair = f"{given['username'] or ''}:{given['password'] or ''}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    if given["authType"] != "OAuth":
        return ""
    form, basic = grant_form(given), None
    pair_given = (given["clientId"] or "", given["clientSecret"] or "")
    if given["oauthAuthorizationMode"] == "Header":
        basic = pair_given
    else:
        form |= {"client_id": pair_given[0], "client_secret": pair_given[1]}
    return f"Bearer {(await token_of(call, TOKENS, Grant(given['tokenUrl'] or '', form, basic))).text}"


def grant_form(given: Any) -> dict[str, str]:
    """The token request's form, without the client."""
    if given["oauthGrantType"] == "Password":
        return {"grant_type": "password", "username": given["username"] or "", "password": given["password"] or ""}
    if given["oauthGrantType"] == "Authorization Code":
        return {"grant_type": "refresh_token", "refresh_token": given["refreshToken"] or ""}
    return {"grant_type": "client_credentials"}


def _value(payload: Payload) -> Any:
    data = payload.data or b""
    try:
        if payload.family == media.JSON:
            return decode_json(data) if data.strip() else None
        if payload.family in (media.XML, media.SOAP11, media.SOAP12) and data.strip():
            return payload.root
    except Fault:
        return data.decode("utf-8", "replace")
    return data.decode(media.charset(payload.content_type), "replace") if payload.family == media.TEXT else data


def _declare(name: str, parameters: tuple[Parameter, ...]) -> None:
    async def run(call: Call) -> Any:
        return await send(call, name.upper())

    about = f"{name.upper()} of an address."
    CONNECTOR.operation(name, *parameters, about=about, reads_content=False)(run)


for _name in ("get", "delete"):
    _declare(_name, ALWAYS)
for _name in ("post", "put", "patch", "head", "options"):
    _declare(_name, (*ALWAYS, *BODY))

__all__ = ["CONNECTOR"]
