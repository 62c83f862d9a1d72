"""Records of the gateway in the contract's form."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

from gateway import schema

AUTH = {
    "any": "Application & Application User",
    "application": "Application",
    "user": "Application User",
    "none": "None",
}


def number(identifier: str) -> int:
    """The contract's numeric id of something that has none: always the same for one identifier."""
    return zlib.crc32(identifier.encode()) & 0x7FFFFFFF


def api(one: schema.Api) -> dict[str, Any]:
    """APIMetaData."""
    return {
        "apiUUID": one.id,
        "apiId": number(one.id),
        "provider": one.provider,
        "name": one.name,
        "version": one.version,
        "context": one.context,
        "policy": one.policy,
        "apiType": "APIProduct" if one.kind == "PRODUCT" else one.kind,
        "isDefaultVersion": bool(one.default_context),
        "status": one.lifecycle,
    }


def api_info(one: schema.Api, subscriptions: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """APIInfo; the contract's spelling of `subscripitons`."""
    return {**api(one), "urlMappings": [_mapping(row) for row in one.operations], "subscripitons": list(subscriptions)}


def _mapping(row: schema.Operation) -> dict[str, Any]:
    return {
        "authScheme": AUTH[row.auth],
        "throttlingPolicy": row.policy,
        "httpMethod": row.verb,
        "urlPattern": row.target,
        "scopes": list(row.scopes),
    }


def application(one: schema.Application, keys: Iterable[schema.Key]) -> dict[str, Any]:
    """ApplicationInfo."""
    return {
        "uuid": one.id,
        "id": number(one.id),
        "name": one.name,
        "subName": one.owner,
        "policy": one.policy,
        "tokenType": "JWT",
        "attributes": {},
        "keys": [
            {"consumerKey": key.client_id, "keyType": key.key_type, "keyManager": key.key_manager.partition(":")[2]}
            for key in keys
        ],
    }


def subscription_info(one: schema.Subscription, of: dict[str, Any]) -> dict[str, Any]:
    """SubscriptionInfo of an API, with its application."""
    return {
        "subscriptionUUID": one.id,
        "subscriptionPolicy": one.plan,
        "status": one.state,
        "application": of,
    }


def subscription(one: schema.Subscription) -> dict[str, Any]:
    """Subscription."""
    return {
        "subscriptionId": number(one.id),
        "policyId": one.plan,
        "apiId": number(one.api),
        "appId": number(one.application),
        "subscriptionState": one.state,
    }


def error(status: int, message: str, description: str) -> dict[str, Any]:
    """The contract's Error."""
    return {"code": status, "message": message, "description": description, "moreInfo": "", "error": []}
