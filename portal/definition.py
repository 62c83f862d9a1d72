"""The definition that developers get: the publisher's OpenAPI text with the gateway as server and our token as security."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import structlog
import yaml
from django.conf import settings

from portal import streaming
from portal.addresses import Address
from publisher import kinds
from publisher.models import Api, Operation
from publisher.openapi.reading import Source, Unreadable
from publisher.openapi.writing import generate

log = structlog.get_logger(__name__)

SCHEME = "default"
"""Name of the security scheme, as the original product writes it."""
VERBS = frozenset({"get", "put", "post", "delete", "patch", "options", "head", "trace"})


def definition(api: Api, places: list[Address]) -> dict[str, Any]:
    """The OpenAPI document of `api` for callers of the gateway: no backend address, no backend credentials."""
    if streaming.streams(api):
        return streaming.definition(api, places)
    document = _parsed(api) or _from_operations(api)
    document["info"] = {**(document.get("info") or {}), "title": api.name, "version": api.version}
    operations = {(op.verb.lower(), op.target): op for op in api.operations.all()}
    scopes = sorted({scope for op in operations.values() for scope in op.scopes})
    if document.get("swagger"):
        _serve_v2(document, places, scopes)
    else:
        _serve_v3(document, places, scopes)
    document["security"] = [{SCHEME: []}]
    _secure_operations(document, operations)
    return document


def as_yaml(document: dict[str, Any]) -> str:
    """The document as YAML, in its own order."""
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    """Writes repeated parts out: the scopes of two operations are no reference to each other."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def token_endpoint() -> str:
    """Where applications obtain tokens."""
    return f"{settings.APIM.public}/oauth2/token"


def _parsed(api: Api) -> dict[str, Any] | None:
    if not api.definition.strip() or kinds.of(api.kind).document != "openapi":
        return None
    try:
        document = Source(api.definition).document
    except Unreadable as error:
        log.warning("portal.definition_unreadable", api=str(api.pk), reason=error.message)
        return None
    return document if isinstance(document, dict) else None


def _from_operations(api: Api) -> dict[str, Any]:
    """A document for an API that was made without one."""
    if kinds.of(api.kind).document == "openapi":
        rows = [{"verb": operation.verb, "target": operation.target} for operation in api.operations.all()]
    else:
        rows = [{"verb": "POST", "target": "/*"}]
    made: dict[str, Any] = json.loads(generate(api.name, api.version, api.description, rows))
    return made


def _serve_v3(document: dict[str, Any], places: list[Address], scopes: list[str]) -> None:
    servers = [{"url": url, "description": place.display_name} for place in places for url in place.urls]
    document["servers"] = servers or [{"url": "/"}]
    flow = {"tokenUrl": token_endpoint(), "scopes": dict.fromkeys(scopes, "")}
    components = dict(document.get("components") or {})
    components["securitySchemes"] = {SCHEME: {"type": "oauth2", "flows": {"clientCredentials": flow}}}
    document["components"] = components


def _serve_v2(document: dict[str, Any], places: list[Address], scopes: list[str]) -> None:
    urls = [urlsplit(url) for place in places for url in place.urls]
    if urls:
        document["host"], document["basePath"] = urls[0].netloc, urls[0].path
        document["schemes"] = [urls[0].scheme]
    document["securityDefinitions"] = {
        SCHEME: {
            "type": "oauth2",
            "flow": "application",
            "tokenUrl": token_endpoint(),
            "scopes": dict.fromkeys(scopes, ""),
        }
    }


def _secure_operations(document: dict[str, Any], operations: dict[tuple[str, str], Operation]) -> None:
    """Each operation asks for what the gateway asks for; nothing of the backend's own demands stays."""
    for target, item in (document.get("paths") or {}).items():
        if not isinstance(item, dict):
            continue
        item.pop("servers", None)
        for verb, operation in item.items():
            if verb in VERBS and isinstance(operation, dict):
                _secure(operation, operations.get((verb, target)))


def _secure(entry: dict[str, Any], operation: Operation | None) -> None:
    entry.pop("security", None)
    entry.pop("servers", None)
    if operation is None:
        return
    if operation.auth == "none":
        entry["security"] = []
    elif operation.scopes:
        entry["security"] = [{SCHEME: list(operation.scopes)}]
