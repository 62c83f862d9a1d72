"""Policies of each level, deny policies and custom rules as the contract has them."""

from __future__ import annotations

from typing import Any

from apim.traffic.api.base import as_list, as_object, choice, flag, text, whole, wrong
from apim.traffic.api.limits import group, groups_fields, limit, limit_fields, present
from apim.traffic.models import BillingPlan, CustomRule, DenyKind, DenyPolicy, Level, Permission, Policy

TYPES = {
    Level.API: "AdvancedThrottlePolicy",
    Level.APPLICATION: "ApplicationThrottlePolicy",
    Level.SUBSCRIPTION: "SubscriptionThrottlePolicy",
}
BURST_UNITS = ("sec", "min")


def policy(row: Policy) -> dict[str, Any]:
    """A policy with everything its level has."""
    shown = {
        "policyId": str(row.pk),
        "policyName": row.name,
        "displayName": row.display_name or row.name,
        "description": row.description,
        "isDeployed": True,
        "type": TYPES[Level(row.level)],
        "defaultLimit": limit(row),
    }
    if row.level == Level.API:
        shown["conditionalGroups"] = [group(one) for one in row.groups.prefetch_related("conditions")]
    burst = {"rateLimitCount": row.burst_amount or 0, "rateLimitTimeUnit": row.burst_unit if row.burst_amount else None}
    if row.level == Level.APPLICATION:
        shown["burstLimit"] = burst if row.burst_amount else None
    if row.level == Level.SUBSCRIPTION:
        shown |= burst | {
            "monetization": row.monetization,
            "graphQLMaxComplexity": row.graphql_max_complexity or 0,
            "graphQLMaxDepth": row.graphql_max_depth or 0,
            "subscriberCount": row.subscriber_count or 0,
            "customAttributes": row.custom_attributes,
            "stopOnQuotaReach": row.stop_on_quota_reach,
            "billingPlan": row.billing_plan,
            "permissions": {"permissionType": row.permission, "roles": row.roles} if row.permission else None,
        }
    return present(shown)


def policy_info(row: Policy) -> dict[str, Any]:
    """A policy in lists: advanced ones come without their groups."""
    shown = policy(row)
    shown.pop("conditionalGroups", None)
    return shown


def policy_fields(body: dict[str, Any], level: str) -> dict[str, Any]:
    """What an action takes. Raises Invalid naming the place of what is wrong."""
    found = {
        "display_name": text(body, "displayName", default=""),
        "description": text(body, "description", default=""),
    } | limit_fields(body.get("defaultLimit"), "defaultLimit")
    if level == Level.API:
        found["groups"] = groups_fields(body.get("conditionalGroups"))
    elif level == Level.APPLICATION:
        burst = body.get("burstLimit")
        found |= _burst(as_object(burst, "burstLimit"), "burstLimit") if burst is not None else {"burst_amount": None}
    else:
        found |= _burst(body, "") | _plan(body)
    return found


def _burst(body: dict[str, Any], path: str) -> dict[str, Any]:
    amount = whole(body, "rateLimitCount", path, 0)
    if amount == 0:
        return {"burst_amount": None}
    return {"burst_amount": amount, "burst_unit": choice(body, "rateLimitTimeUnit", BURST_UNITS, path)}


def _plan(body: dict[str, Any]) -> dict[str, Any]:
    attributes = [
        as_object(one, f"customAttributes[{n}]")
        for n, one in enumerate(as_list(body.get("customAttributes"), "customAttributes"))
    ]
    found: dict[str, Any] = {
        "graphql_max_complexity": whole(body, "graphQLMaxComplexity", default=0) or None,
        "graphql_max_depth": whole(body, "graphQLMaxDepth", default=0) or None,
        "subscriber_count": whole(body, "subscriberCount", default=0) or None,
        "stop_on_quota_reach": flag(body, "stopOnQuotaReach"),
        "billing_plan": choice(body, "billingPlan", BillingPlan.values, default=BillingPlan.FREE),
        "custom_attributes": [
            {name: text(one, name, f"customAttributes[{n}]") for name in ("name", "value")}
            for n, one in enumerate(attributes)
        ],
        "monetization": _monetization(body.get("monetization")),
        "permission": "",
        "roles": [],
    }
    if body.get("permissions") is not None:
        given = as_object(body["permissions"], "permissions")
        found["permission"] = choice(given, "permissionType", Permission.values, "permissions")
        found["roles"] = as_list(given.get("roles"), "permissions.roles")
    return found


def _monetization(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    body = as_object(value, "monetization")
    kind = choice(body, "monetizationPlan", ("FIXEDRATE", "DYNAMICRATE"), "monetization")
    properties = as_object(body.get("properties") or {}, "monetization.properties")
    return {
        "monetizationPlan": kind,
        "properties": {name: text(properties, name, "monetization.properties", "") for name in properties},
    }


def rule(row: CustomRule) -> dict[str, Any]:
    """A custom rule."""
    return {
        "policyId": str(row.pk),
        "policyName": row.name,
        "displayName": row.name,
        "description": row.description,
        "isDeployed": True,
        "type": "CustomRule",
        "siddhiQuery": row.query,
        "keyTemplate": row.key_template,
    }


def rule_fields(body: dict[str, Any]) -> dict[str, Any]:
    """What an action takes."""
    return {
        "description": text(body, "description", default=""),
        "key_template": text(body, "keyTemplate"),
        "query": text(body, "siddhiQuery"),
    }


def denial(row: DenyPolicy) -> dict[str, Any]:
    """A deny policy."""
    value: Any = row.value
    if row.kind == DenyKind.IP:
        value = {"fixedIp": row.value, "invert": row.invert}
    elif row.kind == DenyKind.IP_RANGE:
        first, _, last = row.value.partition("-")
        value = {"startingIp": first, "endingIp": last, "invert": row.invert}
    return {
        "conditionId": str(row.pk),
        "conditionType": row.kind,
        "conditionValue": value,
        "conditionStatus": row.active,
    }


def denial_fields(body: dict[str, Any]) -> dict[str, Any]:
    """What an action takes."""
    kind = choice(body, "conditionType", DenyKind.values)
    value, place = body.get("conditionValue"), "conditionValue"
    found: dict[str, Any] = {"kind": kind, "active": flag(body, "conditionStatus", default=True)}
    if kind not in (DenyKind.IP, DenyKind.IP_RANGE):
        if not isinstance(value, str) or not value.strip():
            raise wrong(place, "must be a text")
        return found | {"value": text(body, place)}
    inner = as_object(value, place)
    found["invert"] = flag(inner, "invert", place)
    if kind == DenyKind.IP:
        return found | {"value": text(inner, "fixedIp", place)}
    return found | {"value": f"{text(inner, 'startingIp', place)}-{text(inner, 'endingIp', place)}"}
