"""Read-only properties that are worked out when something asks for them, from what the wire gave (reference 2.4)."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

from integrator.engine.message import Message

ACCEPTED = 202


def _exchange(message: Message) -> Any:
    """The HTTP exchange that the flow answers; None for a message that did not come over HTTP."""
    return getattr(message.flow.reply, "exchange", None)


def _request_header(message: Message, name: bytes) -> str:
    exchange = _exchange(message)
    value = None if exchange is None else exchange.header(name)
    return "" if value is None else value.decode("latin-1")


def trace_ids(message: Message) -> tuple[str, str]:
    """Trace and span id of the caller: `traceparent` (W3C), else `uber-trace-id`; empty without a well-formed one."""
    parts = _request_header(message, b"traceparent").strip().split("-")
    if len(parts) == 4 and len(parts[1]) == 32 and len(parts[2]) == 16 and _hexadecimal(parts[1] + parts[2]):
        return parts[1], parts[2]
    parts = _request_header(message, b"uber-trace-id").replace("%3A", ":").strip().split(":")
    if len(parts) == 4 and 0 < len(parts[0]) <= 32 and 0 < len(parts[1]) <= 16 and _hexadecimal(parts[0] + parts[1]):
        return parts[0], parts[1]
    return "", ""


def _hexadecimal(text: str) -> bool:
    return all(digit in "0123456789abcdefABCDEF" for digit in text)


def _original_status(message: Message) -> Any:
    return None if "TRANSPORT_IN_URL" in message.axis2 else message.axis2.get("HTTP_SC")


def _accepted(message: Message) -> str | None:
    found = message.axis2.get("ORIGINAL_STATUS_CODE") or _original_status(message)
    return "true" if found == ACCEPTED else None


def excess_headers(message: Message) -> dict[str, list[str]]:
    """Further values of headers that came several times, by lower-case name."""
    values: dict[str, list[str]] = {}
    for name, value in message.headers:
        values.setdefault(name.lower(), []).append(value)
    return {name: found[1:] for name, found in values.items() if len(found) > 1}


def _certificate(message: Message) -> str | None:
    """The caller's certificate of a mutual TLS handshake as PEM."""
    exchange = _exchange(message)
    data = None if exchange is None else exchange.peer_certificate
    return None if data is None else ssl.DER_cert_to_PEM_cert(data)


def _raw_payload(message: Message) -> str | None:
    """The body as it came, of a message whose body could not be read as its type says."""
    data = message.payload.data
    return None if data is None or message.payload.built else data.decode("utf-8", "replace")


DEFAULT: dict[str, Callable[[Message], Any]] = {
    "jaeger_trace_id": lambda message: trace_ids(message)[0] or None,
    "jaeger_span_id": lambda message: trace_ids(message)[1] or None,
}
AXIS2: dict[str, Callable[[Message], Any]] = {
    **DEFAULT,
    "EXCESS_TRANSPORT_HEADERS": excess_headers,
    "ORIGINAL_STATUS_CODE": _original_status,
    "RAW_PAYLOAD": _raw_payload,
    "SC_ACCEPTED": _accepted,
    "ssl.client.auth.cert.X509": _certificate,
}
