"""The contract's API object ↔ the keywords of the actions. Unknown fields are accepted silently."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from apim.errors import FieldError, Invalid
from gateway import schema
from publisher.actions.services import is_outdated
from publisher.checks.basics import shown
from publisher.models import Api

FIELDS = {
    "description": "description",
    "operations": "operations",
    "policies": "plans",
    "tags": "tags",
    "transport": "transports",
    "securityScheme": "security",
    "authorizationHeader": "authorization_header",
    "apiThrottlingPolicy": "policy",
    "visibility": "visibility",
    "visibleRoles": "visible_roles",
    "isDefaultVersion": "is_default_version",
    "additionalProperties": "additional_properties",
    "audiences": "audiences",
    "endpointConfig": "endpoints",
    "corsConfiguration": "cors",
}
"""Contract → action."""
BUSINESS = {
    "businessOwner": "business_owner",
    "businessOwnerEmail": "business_owner_email",
    "technicalOwner": "technical_owner",
    "technicalOwnerEmail": "technical_owner_email",
}
CORS = {
    "corsConfigurationEnabled": "enabled",
    "accessControlAllowOrigins": "origins",
    "accessControlAllowCredentials": "credentials",
    "accessControlAllowHeaders": "headers",
    "accessControlAllowMethods": "methods",
}
USUAL_CORS = msgspec.structs.asdict(schema.Cors())
"""What gateways do where an API says nothing."""

ENDPOINTS = {"production_endpoints": "production", "sandbox_endpoints": "sandbox"}
ENDPOINT_TYPES = ("http", "service", "address")
AUTH = {
    "any": "Application & Application User",
    "application": "Application",
    "user": "Application User",
    "none": "None",
}
_AUTH_IN = {theirs.lower(): ours for ours, theirs in AUTH.items()} | {"any": "any"}


def millis(moment: datetime | None) -> str:
    """A time as the contract writes it: milliseconds since 1970, as text."""
    return str(int(moment.timestamp() * 1000)) if moment else ""


def summary(api: Api) -> dict[str, Any]:
    """The contract's APIInfo, one row of a list."""
    return {
        "id": str(api.pk),
        "name": api.name,
        "description": api.description,
        "context": api.organisation.prefix + api.context,
        "version": api.version,
        "provider": api.provider.get_username(),
        "type": api.kind,
        "lifeCycleStatus": api.state,
        "workflowStatus": "",
        "hasThumbnail": False,
        "securityScheme": api.security,
        "audiences": api.audiences,
        "additionalProperties": api.additional_properties,
        "createdTime": millis(api.created),
        "updatedTime": millis(api.updated),
        "gatewayVendor": "wso2",
        "advertiseOnly": False,
    }


def full(api: Api) -> dict[str, Any]:
    """The contract's API."""
    operations = list(api.operations.all())
    body = {name: value for name, value in summary(api).items() if name not in ("updatedTime", "advertiseOnly")}
    body |= {
        theirs: getattr(api, ours)
        for theirs, ours in FIELDS.items()
        if ours not in ("operations", "plans", "endpoints", "cors")
    }
    return {
        **body,
        "isRevision": False,
        "revisionId": 0,
        "policies": [plan.name for plan in api.plans.all()],
        "operations": [_operation(operation) for operation in operations],
        "scopes": [_scope(name) for name in sorted({scope for operation in operations for scope in operation.scopes})],
        "endpointConfig": _endpoint_config(api),
        "endpointImplementationType": "ENDPOINT",
        "corsConfiguration": _cors(api.cors),
        "businessInformation": {theirs: getattr(api, ours) for theirs, ours in BUSINESS.items()},
        "additionalPropertiesMap": {item["name"]: item for item in api.additional_properties},
        "keyManagers": api.key_managers or ["all"],
        "serviceInfo": _service(api),
        "subscriptionAvailability": "CURRENT_TENANT",
        "accessControl": "NONE",
        "gatewayType": "wso2/synapse",
        "lastUpdatedTime": millis(api.updated),
        "lastUpdatedTimestamp": millis(api.updated),
    }


def changes(body: dict[str, Any]) -> dict[str, Any]:
    """Keywords for `create_api` or `update_api` from a contract's API; what is absent or null stays away."""
    given = {ours: body[theirs] for theirs, ours in FIELDS.items() if body.get(theirs) is not None}
    if isinstance(business := body.get("businessInformation"), dict):
        given |= {ours: business[theirs] for theirs, ours in BUSINESS.items() if business.get(theirs) is not None}
    if "endpoints" in given:
        given["endpoints"] = _endpoints_in(given["endpoints"])
    if isinstance(given.get("cors"), dict):
        given["cors"] = {
            ours: given["cors"][theirs] for theirs, ours in CORS.items() if given["cors"].get(theirs) is not None
        }
    if isinstance(given.get("operations"), list):
        given["operations"] = [_operation_in(item) for item in given["operations"]]
    if isinstance(managers := body.get("keyManagers"), list):
        given["key_managers"] = [] if managers == ["all"] else managers
    return given


def _operation(operation: Any) -> dict[str, Any]:
    return {
        "id": str(operation.pk),
        "target": operation.target,
        "verb": operation.verb,
        "authType": AUTH[operation.auth],
        "throttlingPolicy": operation.policy,
        "scopes": operation.scopes,
        "usedProductIds": [],
    }


def _operation_in(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    auth = item.get("authType")
    return {
        "verb": item.get("verb"),
        "target": item.get("target"),
        "auth": _AUTH_IN.get(auth.lower(), auth) if isinstance(auth, str) else auth,
        "policy": item.get("throttlingPolicy"),
        "scopes": item.get("scopes"),
    }


def _endpoint_config(api: Api) -> dict[str, Any]:
    if not api.endpoints:
        return {}
    found: dict[str, Any] = {"endpoint_type": "service" if api.service_id else "http"}
    for theirs, ours in ENDPOINTS.items():
        if endpoint := api.endpoints.get(ours):
            found[theirs] = {"url": endpoint["url"], "config": {"actionDuration": str(endpoint["timeout_ms"])}}
    return found


def _endpoints_in(config: Any) -> Any:
    if not isinstance(config, dict):
        return config
    kind = config.get("endpoint_type", "http")
    if kind not in ENDPOINT_TYPES:
        message = f"{shown(kind)} is not one of {', '.join(ENDPOINT_TYPES)}."
        raise Invalid(message, [FieldError("endpointConfig.endpoint_type", message)])
    return {ours: _endpoint_in(config[theirs]) for theirs, ours in ENDPOINTS.items() if config.get(theirs)}


def _endpoint_in(endpoint: Any) -> Any:
    if not isinstance(endpoint, dict):
        return endpoint
    config = endpoint.get("config")
    duration = config.get("actionDuration") if isinstance(config, dict) else None
    if duration in (None, ""):
        return {"url": endpoint.get("url")}
    whole = isinstance(duration, str) and duration.isascii() and duration.isdecimal() and len(duration) < 12
    return {"url": endpoint.get("url"), "timeout_ms": int(duration) if whole else duration}


def _cors(cors: dict[str, Any]) -> dict[str, Any]:
    return {theirs: cors.get(ours, USUAL_CORS[ours]) for theirs, ours in CORS.items()}


def _scope(name: str) -> dict[str, Any]:
    return {"scope": {"name": name, "displayName": name, "description": "", "bindings": []}, "shared": False}


def _service(api: Api) -> dict[str, Any] | None:
    if api.service is None:
        return None
    return {
        "key": api.service.key,
        "name": api.service.name,
        "version": api.service.version,
        "md5": api.service_md5,
        "outdated": is_outdated(api),
    }
