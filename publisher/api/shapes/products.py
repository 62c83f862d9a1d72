"""The contract's APIProduct ↔ the keywords of the product actions."""

from __future__ import annotations

from typing import Any

from publisher.api import dto
from publisher.models import Api, Operation

NOT_OURS = ("operations", "endpoints", "endpointConfig")


def summary(product: Api) -> dict[str, Any]:
    """The contract's APIProductInfo, one row of a list."""
    return {
        "id": str(product.pk),
        "name": product.name,
        "context": product.organisation.prefix + product.context,
        "version": product.version,
        "description": product.description,
        "provider": product.provider.get_username(),
        "hasThumbnail": bool(product.thumbnail_type),
        "state": product.state,
        "securityScheme": product.security,
        "gatewayVendor": "wso2",
        "audiences": product.audiences,
    }


def full(product: Api) -> dict[str, Any]:
    """The contract's APIProduct."""
    body = {
        name: value for name, value in dto.full(product).items() if name not in ("operations", "endpointConfig", "type")
    }
    return {**body, **summary(product), "apiType": "APIPRODUCT", "apis": _apis(product)}


def changes(body: dict[str, Any], product: Api | None = None) -> dict[str, Any]:
    """Keywords for `create_product` or `update_product`, but name, context and version."""
    given = dto.changes({name: value for name, value in body.items() if name not in NOT_OURS}, product)
    if body.get("apis") is not None:
        given["resources"] = (
            [_resource(item) for item in body["apis"]] if isinstance(body["apis"], list) else body["apis"]
        )
    return given


def _resource(item: Any) -> Any:
    return {"api": item.get("apiId"), "operations": item.get("operations")} if isinstance(item, dict) else item


def _apis(product: Api) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for operation in product.operations.select_related("source"):
        source = operation.source
        if source is not None:
            one = found.setdefault(
                str(source.pk),
                {"name": source.name, "apiId": str(source.pk), "version": source.version, "operations": []},
            )
            one["operations"].append(_operation(operation))
    return list(found.values())


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "id": str(operation.pk),
        "target": operation.target,
        "verb": operation.verb,
        "authType": dto.AUTH[operation.auth],
        "throttlingPolicy": operation.policy,
        "scopes": operation.scopes,
    }
