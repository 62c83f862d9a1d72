"""Limits and conditions of the contract, to and from the columns of policies and their groups."""

from __future__ import annotations

from typing import Any

from apim.traffic.api.base import as_list, as_object, choice, flag, text, whole
from apim.traffic.models import BYTES, SECONDS, Condition, ConditionalGroup, ConditionKind, LimitFields, LimitKind

UNLIMITED_COUNT = 2_147_483_647
"""How the contract says that there is no limit."""

PARTS = {
    LimitKind.REQUESTS: ("requestCount", "requestCount"),
    LimitKind.BANDWIDTH: ("bandwidth", "dataAmount"),
    LimitKind.EVENTS: ("eventCount", "eventCount"),
}
"""Kind → the object that holds such a limit, and its field with the amount."""

TYPES = {
    ConditionKind.HEADER: ("HEADERCONDITION", "headerCondition", "headerName", "headerValue"),
    ConditionKind.QUERY: ("QUERYPARAMETERCONDITION", "queryParameterCondition", "parameterName", "parameterValue"),
    ConditionKind.CLAIM: ("JWTCLAIMSCONDITION", "jwtClaimsCondition", "claimUrl", "attribute"),
}
"""Kind → type, the object that holds it, its fields with name and value."""

IP_TYPE = "IPCONDITION"


def limit(row: LimitFields) -> dict[str, Any]:
    """A limit as the contract has it; `sliding` is our own addition."""
    kind = LimitKind(row.kind)
    part, amount = PARTS[kind]
    inner: dict[str, Any] = {"timeUnit": row.time_unit, "unitTime": row.unit_time}
    inner[amount] = UNLIMITED_COUNT if row.amount is None else row.amount
    if kind == LimitKind.BANDWIDTH:
        inner["dataUnit"] = row.data_unit
    if row.sliding:
        inner["sliding"] = True
    return {"type": str(kind), "requestCount": None, "bandwidth": None, "eventCount": None} | {part: inner}


def limit_fields(value: Any, path: str) -> dict[str, Any]:
    """The columns of a limit. Raises Invalid naming the place of what is wrong."""
    body = as_object(value, path)
    kind = LimitKind(choice(body, "type", list(PARTS), path))
    part, name = PARTS[kind]
    inner = as_object(body.get(part), f"{path}.{part}")
    path = f"{path}.{part}"
    amount = whole(inner, name, path)
    found = {
        "kind": str(kind),
        "amount": None if amount == UNLIMITED_COUNT else amount,
        "unit_time": whole(inner, "unitTime", path),
        "time_unit": choice(inner, "timeUnit", list(SECONDS), path),
        "sliding": flag(inner, "sliding", path),
    }
    if kind == LimitKind.BANDWIDTH:
        found["data_unit"] = choice(inner, "dataUnit", list(BYTES), path)
    return found


def group(row: ConditionalGroup) -> dict[str, Any]:
    """A conditional group as the contract has it."""
    conditions = [condition(one) for one in row.conditions.all()]
    return {"description": row.description, "conditions": conditions, "limit": limit(row)}


def groups_fields(value: Any) -> list[dict[str, Any]]:
    """The groups in the form of actions.groups. Raises Invalid naming the place of what is wrong."""
    found = []
    for place, one in enumerate(as_list(value, "conditionalGroups")):
        path = f"conditionalGroups[{place}]"
        body = as_object(one, path)
        conditions = as_list(body.get("conditions"), f"{path}.conditions")
        fields = {"description": text(body, "description", path, "")} | limit_fields(body.get("limit"), f"{path}.limit")
        fields["conditions"] = [
            condition_fields(condition, f"{path}.conditions[{number}]") for number, condition in enumerate(conditions)
        ]
        found.append(fields)
    return found


def condition(row: Condition) -> dict[str, Any]:
    """A condition as the contract has it: the parts of other types are null."""
    shown: dict[str, Any] = {part: None for _, part, _, _ in TYPES.values()} | {"ipCondition": None}
    shown["invertCondition"] = row.invert
    if row.kind in (ConditionKind.IP, ConditionKind.IP_RANGE):
        single = row.kind == ConditionKind.IP
        first, last = (row.value, row.end) if row.end or single else row.value.split("/", 1)
        shown["type"] = IP_TYPE
        shown["ipCondition"] = {
            "ipConditionType": "IPSPECIFIC" if single else "IPRANGE",
            "specificIP": row.value if single else None,
            "startingIP": None if single else first,
            "endingIP": None if single else last,
        }
        return shown
    kind, part, name, value = TYPES[ConditionKind(row.kind)]
    shown["type"] = kind
    shown[part] = {name: row.name, value: row.value}
    return shown


def condition_fields(value: Any, path: str) -> dict[str, Any]:
    """The columns of a condition. Raises Invalid naming the place of what is wrong."""
    body = as_object(value, path)
    kind = choice(body, "type", [*(one[0] for one in TYPES.values()), IP_TYPE], path)
    found: dict[str, Any] = {"invert": flag(body, "invertCondition", path)}
    if kind == IP_TYPE:
        return found | _address(as_object(body.get("ipCondition"), f"{path}.ipCondition"), f"{path}.ipCondition")
    ours, (_, part, name, content) = next((ours, row) for ours, row in TYPES.items() if row[0] == kind)
    inner = as_object(body.get(part), f"{path}.{part}")
    place = f"{path}.{part}"
    return found | {"kind": str(ours), "name": text(inner, name, place), "value": text(inner, content, place)}


def _address(inner: dict[str, Any], path: str) -> dict[str, Any]:
    if choice(inner, "ipConditionType", ("IPSPECIFIC", "IPRANGE"), path, "IPSPECIFIC") == "IPSPECIFIC":
        return {"kind": "ip", "value": text(inner, "specificIP", path)}
    return {"kind": "ip_range", "value": text(inner, "startingIP", path), "end": text(inner, "endingIP", path)}


def present(value: Any) -> Any:
    """`value` without what is null in it: the contract knows no nulls, only what is not there."""
    if isinstance(value, dict):
        return {name: present(one) for name, one in value.items() if one is not None}
    return [present(one) for one in value] if isinstance(value, list) else value


def renamed(field: str) -> str:
    """The contract's name of a column, for errors: `groups[0].conditions[1].value` becomes a place in the body."""
    head, _, rest = field.partition(".")
    if head.startswith("groups"):
        inside = rest if rest.startswith("conditions") else f"limit.{rest}" if rest else ""
        return f"conditional{head[0].upper()}{head[1:]}{'.' if inside else ''}{inside}"
    return _NAMES.get(field, field)


_NAMES = {
    "name": "policyName",
    "display_name": "displayName",
    "kind": "defaultLimit.type",
    "amount": "defaultLimit",
    "data_unit": "defaultLimit.bandwidth.dataUnit",
    "unit_time": "defaultLimit.unitTime",
    "time_unit": "defaultLimit.timeUnit",
    "burst_amount": "rateLimitCount",
    "burst_unit": "rateLimitTimeUnit",
    "subscriber_count": "subscriberCount",
    "graphql_max_depth": "graphQLMaxDepth",
    "graphql_max_complexity": "graphQLMaxComplexity",
    "billing_plan": "billingPlan",
    "roles": "permissions.roles",
    "permission": "permissions.permissionType",
    "custom_attributes": "customAttributes",
    "key_template": "keyTemplate",
    "query": "siddhiQuery",
    "value": "conditionValue",
    "invert": "conditionValue.invert",
}
