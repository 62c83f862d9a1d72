"""Turns a policy row into the record that gateways count by."""

from __future__ import annotations

from apim.eventhub.publish import Change
from apim.traffic.models import BYTES, SECONDS, LimitKind, Policy
from gateway import schema

_UNITS = {LimitKind.REQUESTS: "requests", LimitKind.BANDWIDTH: "bytes", LimitKind.EVENTS: "events"}


def record(policy: Policy) -> schema.Policy:
    """The gateway's record of `policy`: amounts in requests, bytes or events, windows in seconds."""
    return schema.Policy(
        organisation=policy.organisation.domain,
        level=policy.level,
        name=policy.name,
        quota=_quota(policy),
        burst=_burst(policy),
        stop_on_quota_reach=policy.stop_on_quota_reach,
        subscriber_count=policy.subscriber_count or 0,
    )


def change(policy: Policy, *, deleted: bool = False) -> Change:
    """What the event hub publishes when `policy` was written or deleted."""
    domain = policy.organisation.domain
    return Change("policy", policy.key, None if deleted else record(policy), organisation=domain)


def _quota(policy: Policy) -> schema.Limit | None:
    if policy.amount is None:
        return None
    factor = BYTES[policy.data_unit] if policy.kind == LimitKind.BANDWIDTH else 1
    seconds = policy.unit_time * SECONDS[policy.time_unit]
    return schema.Limit(policy.amount * factor, seconds, _UNITS[LimitKind(policy.kind)])


def _burst(policy: Policy) -> schema.Limit | None:
    if not policy.burst_amount:
        return None
    return schema.Limit(policy.burst_amount, SECONDS[policy.burst_unit or "min"])
