"""One analytics event for each call, with the fields of the original's reporters (reference A14)."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from gateway.finished import Finished

SUPER_TENANT = "carbon.super"
ANONYMOUS = "anonymous"

_ERROR_TYPES = {"security": "AUTH", "throttling": "THROTTLED", "general": "OTHER"}


class Event(msgspec.Struct, rename="camel"):
    """A call as analytics sees it. Times in milliseconds; `requestTimestamp` is ISO 8601 in UTC."""

    request_timestamp: str
    correlation_id: str
    api_id: str
    api_name: str
    api_version: str
    api_context: str
    api_type: str
    api_creator: str
    api_creator_tenant_domain: str
    api_method: str
    api_resource_template: str
    application_id: str
    application_name: str
    application_owner: str
    key_type: str
    user_name: str
    user_ip: str
    user_agent: str
    proxy_response_code: int
    target_response_code: int
    response_cache_hit: bool
    request_mediation_latency: int
    backend_latency: int
    response_mediation_latency: int
    response_latency: int
    request_size: int
    response_size: int
    gateway_type: str
    region_id: str
    event_type: str
    error_type: str
    error_code: str
    error_message: str


def event(done: Finished, region: str) -> Event:
    """The event of a finished call. `region` is the gateway's environment."""
    api, operation, decision, fault = done.api, done.operation, done.decision, done.fault
    application = decision.application if decision is not None else None
    principal = done.principal
    total = done.total * 1000
    before = done.before_backend * 1000
    backend = done.backend * 1000
    return Event(
        request_timestamp=datetime.fromtimestamp(done.at, UTC).isoformat(timespec="milliseconds"),
        correlation_id=done.correlation.decode("latin-1"),
        api_id=api.id,
        api_name=api.name,
        api_version=api.version,
        api_context=api.context,
        api_type=api.kind,
        api_creator=api.provider,
        api_creator_tenant_domain=api.organisation,
        api_method=done.method.decode("latin-1"),
        api_resource_template=operation.target if operation is not None else "",
        application_id=application.id if application is not None else "",
        application_name=application.name if application is not None else "",
        application_owner=application.owner if application is not None else "",
        key_type=decision.key_type if decision is not None else "",
        user_name=principal.subject if principal is not None else ANONYMOUS,
        user_ip=done.client,
        user_agent=done.user_agent[:256].decode("latin-1"),
        proxy_response_code=done.status,
        target_response_code=0 if fault is not None else done.status,
        response_cache_hit=done.cache_hit,
        request_mediation_latency=round(before),
        backend_latency=round(backend),
        response_mediation_latency=max(0, round(total - before - backend)),
        response_latency=round(total),
        request_size=done.received,
        response_size=done.sent,
        gateway_type="APIM",
        region_id=region,
        event_type="fault" if fault is not None else "response",
        error_type=_ERROR_TYPES.get(fault.family, "OTHER") if fault is not None else "",
        error_code=fault.code if fault is not None else "",
        error_message=fault.message if fault is not None else "",
    )
