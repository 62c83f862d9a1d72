"""Runs the inline scripts of mocked APIs, in a process and an engine that have nothing but the message, bounded.

A script sees `mc` as the original's do: `getProperty` (`query.param.X`, `uri.var.X`, `AcceptHeader`), `setProperty` (`HTTP_SC`,
`CONTENT_TYPE`), `getPayloadJSON`, `setPayloadJSON`, `getPayloadXML`, `setPayloadXML`, `getHeader` and `setHeader`.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, unquote

from gateway import faults
from gateway.call import Call
from gateway.endpoints.parameters import path_parameters
from gateway.endpoints.target import Failed
from gateway.message import Answer, check_header
from wire.sandbox import Limits, Overloaded, Sandbox, ScriptError

BODY_LIMIT = 1024 * 1024
"""Bytes of a request body that a script may look at, and of the answer it may give."""

LIMITS = Limits(memory=16 * 1024 * 1024, stack=256 * 1024, seconds=1.0, processes=2, waiting=64, wait_s=30.0)
SANDBOX = Sandbox(LIMITS)

_ODD = (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError)
"""What reading the outcome may raise: a script can put anything where status, headers and payload are looked for."""

_MC = """
var __in = JSON.parse(__input), __out = {properties: {}, headers: {}, payload: null, type: null};
var mc = {
  getProperty: function (name) {
    if (name in __out.properties) return __out.properties[name];
    return Object.prototype.hasOwnProperty.call(__in.properties, name) ? __in.properties[name] : null;
  },
  setProperty: function (name, value) { __out.properties[name] = value; },
  getPayloadJSON: function () { try { return JSON.parse(__in.body); } catch (error) { return null; } },
  setPayloadJSON: function (value) {
    __out.type = 'application/json';
    __out.payload = typeof value === 'string' ? value : JSON.stringify(value === undefined ? null : value);
  },
  getPayloadXML: function () { return __in.body; },
  setPayloadXML: function (value) { __out.type = 'application/xml'; __out.payload = String(value); },
  getHeader: function (name) { var found = __in.headers[String(name).toLowerCase()]; return found === undefined ? null : found; },
  setHeader: function (name, value) { __out.headers[name] = String(value); }
};
"""


async def run(call: Call, script: str) -> Answer:
    """What the script makes of this call. Raises Failed when it fails, runs for too long or takes too much."""
    body = await call.read(BODY_LIMIT)
    try:
        given = json.dumps(_given(call, body))
        return _answer(json.loads(await SANDBOX.run(_steps(script, given)) or "null"))
    except Overloaded:
        raise Failed(faults.OVERLOADED, "too many mock scripts run already") from None
    except (ScriptError, *_ODD) as error:
        raise Failed(faults.RESPONSE_FAILED, f"the mock script failed: {str(error)[:500]}") from None


def evaluate(script: str, given: str) -> dict[str, Any]:
    """Runs `script` in a fresh engine; blocks. Raises ScriptError."""
    found: dict[str, Any] = json.loads(SANDBOX.evaluate(_steps(script, given)) or "null")
    return found


def _steps(script: str, given: str) -> list[tuple[str, str]]:
    wrapped = f"(function () {{\n{script}\n}})();"
    return [("set __input", given), ("eval", _MC), ("eval", wrapped), ("eval", "JSON.stringify(__out)")]


def _given(call: Call, body: bytes) -> dict[str, Any]:
    exchange = call.exchange
    path, _, query = exchange.target[call.cut :].partition(b"?")
    template = call.operation.record.target if call.operation is not None else ""
    properties = {"AcceptHeader": exchange.fields.get(b"accept", b"").decode("latin-1") or None}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        properties[f"query.param.{name}"] = value
    for name, value in path_parameters(template, path.decode("latin-1")).items():
        properties[f"uri.var.{name}"] = unquote(value)
    headers = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in exchange.fields.items()
        if name != b"authorization"
    }
    return {"properties": properties, "headers": headers, "body": body.decode("utf-8", "replace")}


def _answer(out: dict[str, Any]) -> Answer:
    """Raises ValueError for a status or header that no answer can have."""
    properties = out["properties"]
    status = int(float(properties.get("HTTP_SC", 200)))
    if not 200 <= status <= 599:
        raise ValueError(f"HTTP_SC is {status}")
    payload = out["payload"]
    body = payload.encode("utf-8", "replace") if isinstance(payload, str) else b""
    if len(body) > BODY_LIMIT:
        raise ValueError(f"its answer is longer than {BODY_LIMIT} bytes")
    headers = [(str(name).lower().encode("latin-1"), value.encode("latin-1")) for name, value in out["headers"].items()]
    kind = str(properties.get("CONTENT_TYPE") or out["type"] or "")
    if kind and body:
        headers.append((b"content-type", kind.encode("latin-1")))
    for name, value in headers:
        check_header(name, value)
    return Answer(status, headers, body)
