"""The contract's API object ↔ the keywords of the actions. Unknown fields are accepted silently."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from gateway import schema
from publisher.actions.services import is_outdated
from publisher.api.shapes import contract, monetization, scopes, streaming, throughput
from publisher.api.shapes import endpoints as shapes
from publisher.api.shapes import policies as flows
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
    "audiences": "audiences",
    "apiKeyHeader": "api_key_header",
    "endpointConfig": "endpoints",
    "corsConfiguration": "cors",
    "enableSchemaValidation": "validate_schema",
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
AUTH = {
    "any": "Application & Application User",
    "application": "Application",
    "user": "Application User",
    "none": "None",
}
_AUTH_IN = {theirs.lower(): ours for ours, theirs in AUTH.items()} | {"any": "any"}


OF_NAMES = ("visibleRoles", "visibleTenants", "accessControlRoles", "subscriptionAvailableTenants", "tags")


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
        "hasThumbnail": bool(api.thumbnail_type),
        "securityScheme": api.security,
        "audiences": api.audiences,
        "additionalProperties": api.additional_properties,
        "additionalPropertiesMap": {item["name"]: item for item in api.additional_properties},
        "createdTime": millis(api.created),
        "updatedTime": millis(api.updated),
        "gatewayVendor": "wso2",
        "advertiseOnly": False,
    }


def full(api: Api) -> dict[str, Any]:
    """The contract's API."""
    operations = list(api.operations.all())
    functions = shapes.functions_of(api.endpoints)
    ids = flows.Ids(api)
    body = {name: value for name, value in summary(api).items() if name not in ("updatedTime", "advertiseOnly")}
    body |= {
        theirs: getattr(api, ours)
        for theirs, ours in FIELDS.items()
        if ours not in ("operations", "plans", "endpoints", "cors")
    }
    products = product_ids(api)
    found = {
        **body,
        "isRevision": False,
        "revisionId": 0,
        "policies": [plan.name for plan in api.plans.all()],
        "categories": [category.name for category in api.categories.all()],
        "monetization": monetization.shown(api),
        "operations": [_operation(operation, functions, ids, products) for operation in operations],
        "apiPolicies": flows.flows_out(api.flows, ids),
        **flows.caching_out(api),
        **throughput.shown(api),
        "scopes": scopes.shown(api, operations),
        "endpointConfig": shapes.config(api.endpoints, api.service_id is not None),
        **streaming.shown(api),
        "endpointImplementationType": shapes.implementation(api.endpoints),
        "corsConfiguration": _cors(api.cors),
        "businessInformation": {theirs: getattr(api, ours) for theirs, ours in BUSINESS.items()},
        "keyManagers": api.key_managers or ["all"],
        "serviceInfo": _service(api),
        **contract.shown_of(api),
        "lastUpdatedTime": millis(api.updated),
        "lastUpdatedTimestamp": millis(api.updated),
    }
    return {name: value for name, value in found.items() if value is not None}


def changes(body: dict[str, Any], api: Api | None = None) -> dict[str, Any]:
    """Keywords for `create_api` or `update_api` (of `api`) from a contract's API; what is absent or null stays away."""
    body = body | {name: _without_blanks(body[name]) for name in OF_NAMES if isinstance(body.get(name), list)}
    given = {ours: body[theirs] for theirs, ours in FIELDS.items() if body.get(theirs) is not None}
    if isinstance(business := body.get("businessInformation"), dict):
        given |= {ours: business[theirs] for theirs, ours in BUSINESS.items() if business.get(theirs) is not None}
    given.pop("endpoints", None)
    endpoints = shapes.given(body)
    if endpoints is not None:
        given["endpoints"] = endpoints
    if isinstance(given.get("cors"), dict):
        given["cors"] = {
            ours: given["cors"][theirs] for theirs, ours in CORS.items() if given["cors"].get(theirs) is not None
        }
    if isinstance(given.get("operations"), list):
        given["operations"] = [_operation_in(item) for item in given["operations"]]
    if body.get("apiPolicies") is not None:
        given["flows"] = flows.flows_in(body["apiPolicies"])
    given |= flows.caching_in(body)
    given |= throughput.given(body)
    if isinstance(managers := body.get("keyManagers"), list):
        given["key_managers"] = [] if managers == ["all"] else managers
    if isinstance(listed := body.get("scopes"), list):
        given |= {"scope_roles": scopes.bindings(listed), "scope_texts": scopes.texts(listed)}
    if body.get("categories") is not None:
        given["categories"] = body["categories"]
    return given | contract.given(body, api)


def _without_blanks(names: list[Any]) -> list[Any]:
    """Clients of the original write "nobody" as a list with one empty text."""
    return [one for one in names if one != ""]


def product_ids(api: Api) -> dict[tuple[str, str], list[str]]:
    """By verb and target, the API products that have the operation."""
    found: dict[tuple[str, str], list[str]] = {}
    for verb, target, product in api.in_products.values_list("verb", "target", "api_id"):
        found.setdefault((verb, target), []).append(str(product))
    return found


def _operation(
    operation: Any,
    functions: dict[tuple[str, str], dict[str, Any]],
    ids: flows.Ids,
    products: dict[tuple[str, str], list[str]],
) -> dict[str, Any]:
    return {
        "id": str(operation.pk),
        "target": operation.target,
        "verb": operation.verb,
        "authType": AUTH[operation.auth],
        "throttlingPolicy": operation.policy,
        "scopes": operation.scopes,
        "usedProductIds": products.get((operation.verb, operation.target), []),
        "operationPolicies": flows.flows_out(operation.flows, ids),
        **functions.get((operation.verb, operation.target), {}),
        **operation.contract_fields,
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
        "flows": flows.flows_in(item.get("operationPolicies")),
        "contract_fields": contract.operation_given(item),
    }


def _cors(cors: dict[str, Any]) -> dict[str, Any]:
    return {theirs: cors.get(ours, USUAL_CORS[ours]) for theirs, ours in CORS.items()}


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
