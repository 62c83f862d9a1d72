"""What log lines say about a call. Never a token, never a query, never a header that carries a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.call import Call

HIDDEN = frozenset(
    {b"authorization", b"proxy-authorization", b"cookie", b"set-cookie", b"apikey", b"internal-key", b"x-jwt-assertion"}
)
"""Headers whose values are not logged, besides those in which an API takes its credentials."""

_SECRET_WORDS = (b"token", b"secret", b"password", b"key", b"auth", b"jwt", b"session")


def names(call: Call) -> dict[str, Any]:
    """What identifies a call in logs. Never a token, never a query."""
    api = call.api.record if call.api is not None else None
    decision = call.decision
    application = decision.application if decision is not None else None
    exchange = call.exchange
    return {
        "correlation_id": call.correlation.decode("ascii", "replace"),
        "organisation": api.organisation if api else "",
        "api": f"{api.name}:{api.version}" if api else "",
        "api_id": api.id if api else "",
        "application": application.name if application else "",
        "application_id": application.id if application else "",
        "client_id": call.principal.client_id if call.principal else "",
        "method": exchange.method.decode(),
        "path": exchange.path[:512].decode("latin-1"),
        "resource": call.operation.record.target if call.operation else "",
        "client": exchange.address,
    }


def fields(call: Call, seconds: float) -> dict[str, Any]:
    """One finished call for the access log."""
    _, backend = durations(call.began, call.backend_started, call.backend_answered, seconds)
    return names(call) | {
        "status": call.status,
        "code": call.fault.code if call.fault else "",
        "time": call.now,
        "milliseconds": round(seconds * 1000, 3),
        "backend_milliseconds": round(backend * 1000, 3),
        "key_type": call.decision.key_type if call.decision else "",
        "user_agent": call.exchange.fields.get(b"user-agent", b"")[:256].decode("latin-1"),
        "request_bytes": call.exchange.received,
        "response_bytes": call.sent,
    }


def timeline(call: Call, seconds: float) -> dict[str, Any]:
    """Where a call's time went, for the correlation log; milliseconds."""
    before, backend = durations(call.began, call.backend_started, call.backend_answered, seconds)
    return {
        "correlation_id": call.correlation.decode("ascii", "replace"),
        "api": f"{call.api.record.name}:{call.api.record.version}" if call.api else "",
        "method": call.exchange.method.decode(),
        "path": call.exchange.path[:512].decode("latin-1"),
        "status": call.status,
        "request_ms": round(before * 1000, 3),
        "backend_ms": round(backend * 1000, 3),
        "response_ms": round(max(0.0, seconds - before - backend) * 1000, 3),
        "total_ms": round(seconds * 1000, 3),
    }


def headers(call: Call) -> dict[str, str]:
    """The request's headers, those with secrets hidden."""
    api = call.api.record if call.api is not None else None
    own = (api.authorization_header.lower().encode(), api.api_key_header.lower().encode()) if api is not None else ()
    return {
        name.decode("latin-1"): "(hidden)" if name in own or _secret(name) else value[:512].decode("latin-1")
        for name, value in call.exchange.headers[:100]
    }


def _secret(name: bytes) -> bool:
    return name in HIDDEN or any(word in name for word in _SECRET_WORDS)


def durations(began: float, started: float, answered: float, seconds: float) -> tuple[float, float]:
    """Of a call that took `seconds`: those before it went to its backend, and those until the head of the backend's answer came
    (0 without a backend). `began`, `started`, `answered` are the clock's readings at those moments, 0 for what did not happen."""
    if not started:
        return seconds, 0.0
    before = started - began
    return before, max(0.0, min(answered - started, seconds)) if answered else max(0.0, seconds - before)
