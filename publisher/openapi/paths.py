"""Operations of an API from the paths of a definition, with security scopes and the vendor extensions."""

from __future__ import annotations

from typing import Any

from publisher.openapi.references import follow

VERBS = ("get", "put", "post", "delete", "options", "head", "patch")
AUTH = {
    "any": "any",
    "application & application user": "any",
    "application": "application",
    "application user": "user",
    "application_user": "user",
    "none": "none",
}
"""`x-auth-type` as WSO2 writes it → our value."""


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Verb, target, auth, policy and scopes of each operation, in the order of the document."""
    found = []
    for target, item in _mapping(document.get("paths")).items():
        if not target.startswith("/"):
            continue
        item = _mapping(follow(document, item))
        found += [_operation(document, target, verb, item, item[verb]) for verb in item if verb in VERBS]
    return found


def _operation(
    document: dict[str, Any], target: str, verb: str, item: dict[str, Any], operation: Any
) -> dict[str, Any]:
    # The nearest wins: operation, then path, then document.
    layers = [_mapping(operation), item, document]
    found = {"verb": verb.upper(), "target": target, "auth": _auth(layers), "scopes": _scopes(document, layers)}
    policy = _first(layers[:2], "x-wso2-throttling-tier") or _first(layers[:2], "x-throttling-tier")
    return {**found, "policy": policy} if policy else found


def _auth(layers: list[dict[str, Any]]) -> str:
    if any(layer.get("x-wso2-disable-security") is True for layer in layers):
        return "none"
    return AUTH.get(_first(layers, "x-auth-type").strip().lower(), "any")


def _scopes(document: dict[str, Any], layers: list[dict[str, Any]]) -> list[str]:
    """Scopes that every OAuth or OpenID scheme of the operation asks for; its own `security` replaces the document's."""
    required = next(
        (layer["security"] for layer in (layers[0], layers[2]) if isinstance(layer.get("security"), list)), []
    )
    found = [
        scope
        for requirement in required
        for scheme, scopes in _mapping(requirement).items()
        if _is_oauth(document, scheme) and isinstance(scopes, list)
        for scope in scopes
        if isinstance(scope, str)
    ]
    return list(dict.fromkeys(found))


def _is_oauth(document: dict[str, Any], name: str) -> bool:
    schemes = document.get("securityDefinitions") or _mapping(document.get("components")).get("securitySchemes")
    scheme = _mapping(follow(document, _mapping(schemes).get(name)))
    return scheme.get("type") in ("oauth2", "openIdConnect")


def _first(layers: list[dict[str, Any]], name: str) -> str:
    return next((layer[name] for layer in layers if isinstance(layer.get(name), str)), "")


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
