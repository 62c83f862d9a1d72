"""One analytics event for each call, as JSON, with the names of the original's reporters (reference A14).

It is written when the call is over and its answer gone. What calls of one operation or of one caller have in common is written
once and remembered, so that an event costs a few look-ups and one formatting.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from gateway.call_log import durations

if TYPE_CHECKING:
    from gateway.call import Call
    from gateway.compile import CompiledApi, CompiledOperation
    from gateway.faults import Fault
    from gateway.principal import Decision, Principal

ANONYMOUS = "anonymous"
MOST = 10_000
"""Operations, callers and texts remembered, each; with more, all are written anew."""

ERROR_TYPES = {"security": "AUTH", "throttling": "THROTTLED"}
"""Family of a fault → its `errorType`; all others are OTHER."""

LINE = (
    b'{"requestTimestamp":"%b.%03d+00:00","correlationId":"%b",%b,"apiMethod":"%b",%b,"userIp":%b,"userAgent":%b,'
    b'"proxyResponseCode":%d,"targetResponseCode":%d,"responseCacheHit":%b,"requestMediationLatency":%d,"backendLatency":%d,'
    b'"responseMediationLatency":%d,"responseLatency":%d,"requestSize":%d,"responseSize":%d,"gatewayType":"APIM",%b}'
)
"""Times are milliseconds, sizes bytes. `requestTimestamp` is ISO 8601 in UTC, `regionId` the gateway's environment."""

_json = msgspec.json.Encoder().encode
T = TypeVar("T")


class Events:
    """Writes the events of one worker. `region`: the environment it serves."""

    def __init__(self, region: str) -> None:
        self._end = _members({"regionId": region, "eventType": "response", **_error(None)})
        self._region = region
        self._operations: dict[int, tuple[CompiledOperation | None, CompiledApi, bytes]] = {}
        self._callers: dict[tuple[int, int], tuple[Decision | None, Principal | None, bytes]] = {}
        self._texts: dict[bytes | str, bytes] = {}
        self._second = 0
        self._stamp = b""

    def line(self, call: Call, api: CompiledApi, seconds: float) -> bytes:
        """The event of a finished call of `api` that took `seconds`: one JSON object."""
        exchange = call.exchange
        before, backend = durations(call, seconds)
        now = call.now
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()
        fault = call.fault
        status = call.status
        return LINE % (
            self._stamp,
            (now - second) * 1000,
            call.correlation,
            self._operation(call.operation, api),
            exchange.method,
            self._caller(call.decision, call.principal),
            self._text(exchange.address),
            self._text(exchange.fields.get(b"user-agent", b"")),
            status,
            0 if fault is not None else status,
            b"true" if call.cache_hit else b"false",
            before * 1000 + 0.5,
            backend * 1000 + 0.5,
            max(0.0, seconds - before - backend) * 1000 + 0.5,
            seconds * 1000 + 0.5,
            exchange.received,
            call.sent,
            self._end if fault is None else self._refused(fault),
        )

    def _operation(self, operation: CompiledOperation | None, api: CompiledApi) -> bytes:
        key = id(operation) if operation is not None else id(api)
        known = self._operations.get(key)
        if known is not None and known[0] is operation and known[1] is api:
            return known[2]
        record = api.record
        text = _members(
            {
                "apiId": record.id,
                "apiName": record.name,
                "apiVersion": record.version,
                "apiContext": record.context,
                "apiType": record.kind,
                "apiCreator": record.provider,
                "apiCreatorTenantDomain": record.organisation,
                "apiResourceTemplate": operation.record.target if operation is not None else "",
            }
        )
        _bounded(self._operations)[key] = operation, api, text
        return text

    def _caller(self, decision: Decision | None, principal: Principal | None) -> bytes:
        key = id(decision), id(principal)
        known = self._callers.get(key)
        if known is not None and known[0] is decision and known[1] is principal:
            return known[2]
        application = decision.application if decision is not None else None
        text = _members(
            {
                "applicationId": application.id if application is not None else "",
                "applicationName": application.name if application is not None else "",
                "applicationOwner": application.owner if application is not None else "",
                "keyType": decision.key_type if decision is not None else "",
                "userName": principal.subject if principal is not None else ANONYMOUS,
            }
        )
        _bounded(self._callers)[key] = decision, principal, text
        return text

    def _text(self, text: bytes | str) -> bytes:
        known = self._texts.get(text)
        if known is None:
            shown = text[:256].decode("latin-1") if isinstance(text, bytes) else text
            known = _bounded(self._texts)[text] = _json(shown)
        return known

    def _refused(self, fault: Fault) -> bytes:
        return _members({"regionId": self._region, "eventType": "fault", **_error(fault)})


def _error(fault: Fault | None) -> dict[str, str]:
    if fault is None:
        return {"errorType": "", "errorCode": "", "errorMessage": ""}
    kind = ERROR_TYPES.get(fault.family, "OTHER")
    return {"errorType": kind, "errorCode": fault.code, "errorMessage": fault.message}


def _members(values: dict[str, str]) -> bytes:
    """The members of a JSON object, without its braces."""
    return _json(values)[1:-1]


def _bounded(known: dict[Any, T]) -> dict[Any, T]:
    """Emptied when it is full."""
    if len(known) >= MOST:
        known.clear()
    return known
