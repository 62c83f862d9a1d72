"""Turns a policy row into the record that gateways count by."""

from __future__ import annotations

from apim.eventhub.publish import Change
from apim.traffic.models import (
    BYTES,
    MONTHS,
    SECONDS,
    ConditionalGroup,
    CustomRule,
    DenyKind,
    DenyPolicy,
    Level,
    LimitFields,
    LimitKind,
    Policy,
)
from gateway import schema

_UNITS = {LimitKind.REQUESTS: "requests", LimitKind.BANDWIDTH: "bytes", LimitKind.EVENTS: "events"}
_DENIED = {
    DenyKind.API: "api",
    DenyKind.APPLICATION: "application",
    DenyKind.USER: "user",
    DenyKind.IP: "ip",
    DenyKind.IP_RANGE: "ip_range",
}


def record(policy: Policy) -> schema.Policy:
    """The gateway's record of `policy`: amounts in requests, bytes or events, windows in seconds."""
    return schema.Policy(
        organisation=policy.organisation.domain,
        level=policy.level,
        name=policy.name,
        quota=_limit(policy),
        burst=_burst(policy),
        stop_on_quota_reach=policy.stop_on_quota_reach,
        groups=_groups(policy),
        graphql_max_depth=policy.graphql_max_depth or 0,
        graphql_max_complexity=policy.graphql_max_complexity or 0,
        subscriber_count=policy.subscriber_count or 0,
    )


def change(policy: Policy, *, deleted: bool = False) -> Change:
    """What the event hub publishes when `policy` was written or deleted."""
    domain = policy.organisation.domain
    return Change("policy", policy.key, None if deleted else record(policy), organisation=domain)


def deny_change(policy: DenyPolicy, *, deleted: bool = False) -> Change:
    """The same of a deny policy; one that is switched off is gone for gateways."""
    domain = policy.organisation.domain
    found = schema.Deny(str(policy.pk), domain, _DENIED[DenyKind(policy.kind)], policy.value, policy.invert)
    return Change("deny", str(policy.pk), None if deleted or not policy.active else found, organisation=domain)


def rule_change(rule: CustomRule, *, deleted: bool = False) -> Change:
    """The same of a custom rule."""
    found = schema.CustomRule(rule.name, rule.key_template, rule.query)
    return Change("custom_rule", rule.name, None if deleted else found)


def _groups(policy: Policy) -> tuple[schema.ConditionalGroup, ...]:
    if policy.level != Level.API or policy.pk is None or policy._state.adding:
        return ()
    return tuple(_group(row) for row in policy.groups.prefetch_related("conditions"))


def _group(row: ConditionalGroup) -> schema.ConditionalGroup:
    limit = _limit(row)
    if limit is None:
        raise ValueError(f"{row} has no limit")
    conditions = tuple(
        schema.Condition(one.kind, one.value, one.end, one.name, one.invert) for one in row.conditions.all()
    )
    return schema.ConditionalGroup(conditions, limit, row.description)


def _limit(row: LimitFields) -> schema.Limit | None:
    if row.amount is None:
        return None
    factor = BYTES[row.data_unit] if row.kind == LimitKind.BANDWIDTH else 1
    seconds = row.unit_time * SECONDS[row.time_unit]
    months = row.unit_time * MONTHS.get(row.time_unit, 0)
    return schema.Limit(row.amount * factor, seconds, _UNITS[LimitKind(row.kind)], row.sliding, months)


def _burst(policy: Policy) -> schema.Limit | None:
    if not policy.burst_amount:
        return None
    return schema.Limit(policy.burst_amount, SECONDS[policy.burst_unit or "min"])
