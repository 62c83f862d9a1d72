"""Fields of the contract's API that clients send and get back: who sees and subscribes, APIs of elsewhere, custom properties.

Some of them mean something only to clients (`CARRIED`); they are kept as they are. What asks for things that are not here is
refused by name.
"""

from __future__ import annotations

from typing import Any

from publisher.checks.basics import Problems, choice, items, shown
from publisher.models import Api

CARRIED: dict[str, Any] = {
    "audience": None,
    "visibleTenants": [],
    "mediationPolicies": [],
    "threatProtectionPolicies": None,
    "asyncTransportProtocols": [],
    "primaryProductionEndpointId": None,
    "primarySandboxEndpointId": None,
}
"""Fields that are kept for clients and nothing else, with what an API has that never got one."""

KINDS: dict[str, type | tuple[type, ...]] = {"audience": str, "threatProtectionPolicies": dict}
ONLY = {
    "gatewayVendor": (("wso2",), "APIs run on this platform's own gateways."),
    "gatewayType": (("wso2/synapse",), "There is one kind of gateway here."),
}
LATER = {"organizationPolicies": ([],), "visibleOrganizations": ([], ["none"], ["all"])}
"""Fields of later versions, with the values that ask for nothing."""

OPERATION = ("payloadSchema", "uriMapping")
"""Fields of an operation that are kept for clients."""

_LONGEST_LIST, _LONGEST_TEXT = 200, 32_766


WHO = {
    "displayName": "display_name",
    "subscriptionAvailability": "subscription_availability",
    "subscriptionAvailableTenants": "subscription_tenants",
    "advertiseInfo": "advertise",
}
PLACES = {ours: theirs for theirs, ours in WHO.items()} | {
    "access_roles": "accessControlRoles",
    "additional_properties": "additionalProperties",
}
"""The contract's names of what the actions take."""


def shown_of(api: Api) -> dict[str, Any]:
    """These fields of `api`."""
    wsdl = bool(api.wsdl)
    return {
        **{name: api.contract_fields.get(name, usual) for name, usual in CARRIED.items()},
        "displayName": api.display_name or api.name,
        "accessControl": "RESTRICTED" if api.access_roles else "NONE",
        "accessControlRoles": api.access_roles,
        "subscriptionAvailability": api.subscription_availability,
        "subscriptionAvailableTenants": api.subscription_tenants,
        "advertiseInfo": advertised(api),
        "gatewayVendor": "wso2",
        "gatewayType": "wso2/synapse",
        "organizationPolicies": [],
        "visibleOrganizations": [],
        "initiatedFromGateway": False,
        "wsdlUrl": f"/apis/{api.pk}/wsdl" if wsdl else None,
        "wsdlInfo": {"type": "ZIP" if api.wsdl.startswith("{") else "WSDL"} if wsdl else None,
    }


def advertised(api: Api) -> dict[str, Any]:
    """`advertiseInfo` of `api`."""
    usual = {
        "advertised": False,
        "apiExternalProductionEndpoint": "",
        "apiExternalSandboxEndpoint": "",
        "originalDevPortalUrl": "",
        "apiOwner": "",
        "vendor": "WSO2",
    }
    found = usual | api.advertise
    return found | {"apiOwner": found["apiOwner"] or api.provider.get_username()}


def given(body: dict[str, Any], api: Api | None = None) -> dict[str, Any]:
    """Keywords of the actions for what `body` says of these fields; `api` is the one to be changed. Raises Invalid."""
    problems = Problems()
    found = _who(problems, body)
    carried = {name: body[name] for name in CARRIED if body.get(name) is not None}
    for name, value in carried.items():
        _check(problems, name, value)
    for name, (allowed, reason) in ONLY.items():
        if body.get(name) not in (None, "", *allowed):
            problems.add(name, f"{shown(body[name])} is not one of {', '.join(allowed)}. {reason}")
    for name, nothing in LATER.items():
        if body.get(name) is not None and body[name] not in nothing:
            problems.add(name, "Organizations inside an organisation came after version 4.2 and are not here.")
    if carried:
        found["contract_fields"] = (api.contract_fields if api is not None else {}) | carried
    properties = _properties(problems, body, api)
    if properties is not None:
        found["additional_properties"] = properties
    problems.raise_any()
    return found


def operation_given(item: dict[str, Any]) -> dict[str, Any]:
    """What an operation of the contract carries for clients."""
    return {name: item[name] for name in OPERATION if item.get(name) not in (None, "")}


def _who(problems: Problems, body: dict[str, Any]) -> dict[str, Any]:
    found = {ours: body[theirs] for theirs, ours in WHO.items() if body.get(theirs) is not None}
    control, roles = body.get("accessControl"), body.get("accessControlRoles")
    if control is not None:
        choice(problems, "accessControl", control, ("NONE", "RESTRICTED"))
    if control == "RESTRICTED" and not roles:
        problems.add("accessControlRoles", "Name at least one role when the access control is RESTRICTED.")
    if control is not None or roles is not None:
        found["access_roles"] = [] if control == "NONE" else roles or []
    return found


def _check(problems: Problems, name: str, value: Any) -> None:
    if name == "audience":
        choice(problems, name, value, ("PUBLIC", "SINGLE"))
    elif isinstance(CARRIED[name], list):
        items(problems, name, value, _LONGEST_LIST)
    elif not isinstance(value, KINDS.get(name, str)) or len(str(value)) > _LONGEST_TEXT:
        problems.add(name, f"{shown(value)} has another type, or is too long.")


def _properties(problems: Problems, body: dict[str, Any], api: Api | None) -> Any:
    """Custom properties from the list, the map or both; None when neither is there.

    Of a list and a map that differ, the one counts that is not what the API has already: clients change one and send both.
    """
    listed, mapped = body.get("additionalProperties"), body.get("additionalPropertiesMap")
    if isinstance(listed, dict):
        listed = [_property(name, value) for name, value in listed.items()]
    if mapped is not None and not isinstance(mapped, dict):
        problems.add("additionalPropertiesMap", f"{shown(mapped)} is not an object.")
        return None
    if not mapped or not isinstance(listed, list | None):
        return listed if listed is not None else ([] if mapped == {} else None)
    from_map = [_property(name, value) for name, value in mapped.items()]
    now = {one["name"]: one for one in api.additional_properties} if api is not None else {}
    if listed is None or (api is not None and _by_name(listed) == now):
        return from_map
    if api is not None and _by_name(from_map) == now:
        return listed
    return list((_by_name(listed) | _by_name(from_map)).values())


def _property(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"name": name, "display": False} | value
    return {"name": name, "value": value, "display": False}


def _by_name(listed: list[Any]) -> dict[Any, Any]:
    return {
        str(one.get("name")) if isinstance(one, dict) else str(one): {"display": False} | one
        if isinstance(one, dict)
        else one
        for one in listed
    }
