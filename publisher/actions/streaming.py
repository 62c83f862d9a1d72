"""Streaming APIs (WebSocket, server-sent events, WebSub): made by hand or from AsyncAPI, their topics and their secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from apim.accounts.models import User
from apim.errors import FieldError, Invalid
from publisher import kinds, snapshots
from publisher.actions.apis import create_api, update_api
from publisher.actions.definitions import merge_operations
from publisher.asyncapi import websub, writing
from publisher.asyncapi.definition import check, valid
from publisher.models import Api
from publisher.openapi.report import Report

KINDS = ("WS", "SSE", "WEBSUB")
DEFAULT_PLAN = {"WS": "AsyncUnlimited", "SSE": "AsyncUnlimited", "WEBSUB": "AsyncWHUnlimited"}


def validate_asyncapi(text: str) -> Report:
    """Check an AsyncAPI text. Never raises for what it holds, never fetches anything."""
    return check(text)


def create_streaming(*, by: User, kind: str, endpoint: str | None = None, **fields: Any) -> Api:
    """Create a streaming API; without topics it has one for everything. Raises what `create_api` raises."""
    if kind not in KINDS:
        message = f"{kind!r} is not one of {', '.join(KINDS)}."
        raise Invalid(message, [FieldError("type", message)])
    if endpoint and "endpoints" not in fields:
        fields["endpoints"] = {"production": {"url": endpoint}}
    if kind == "WEBSUB":
        fields["endpoints"] = {}
        fields["gateway_options"] = websub.changed(fields.get("gateway_options") or {})
    fields["operations"] = _usable(kind, fields.get("operations") or [])
    return create_api(by=by, kind=kind, **fields)


def import_asyncapi(
    *,
    by: User,
    text: str,
    kind: str | None = None,
    name: str | None = None,
    context: str | None = None,
    version: str | None = None,
    endpoint: str | None = None,
    plans: Sequence[str] = (),
    **fields: Any,
) -> Api:
    """Create a streaming API from a definition; what is not given is suggested by it. Raises BadAsyncApi with every place."""
    suggestion = valid(text).suggestion
    kind = kind or suggestion["kind"]
    given = {"name": name, "context": context, "version": version, **fields}
    design = suggestion | {key: value for key, value in given.items() if value is not None} | {"kind": kind}
    if not fields.get("operations"):
        design["operations"] = suggestion["operations"]
    if kind not in _schemes(design.get("endpoints")):
        design["endpoints"] = fields.get("endpoints") or {}
    return create_streaming(by=by, definition=text, plans=list(plans), endpoint=endpoint, **design)


@transaction.atomic
def replace_asyncapi(*, by: User, api: Api, text: str, expected: str = "") -> Api:
    """Give `api` a new definition and its topics; rights and limits stay where a topic stays. Raises BadAsyncApi."""
    require_streaming(api)
    wanted = _usable(api.kind, valid(text).suggestion["operations"])
    operations = merge_operations(snapshots.operations(api), wanted)
    return update_api(by=by, api=api, expected=expected, definition=text, operations=operations)


@transaction.atomic
def set_websub(*, by: User, api: Api, expected: str = "", **changes: Any) -> Api:
    """Change how a WebSub API's publishers prove themselves and whether subscribers are verified (publisher.asyncapi.websub)."""
    if api.kind != "WEBSUB":
        raise Invalid(f"{api} is no WebSub API.", [FieldError("type", "Only WebSub APIs have this.")])
    options = websub.changed(api.gateway_options, **changes)
    return update_api(by=by, api=api, expected=expected, gateway_options=options)


def asyncapi_text(api: Api) -> str:
    """The definition as it was given, or one made from the topics. Raises Invalid for APIs of other kinds."""
    require_streaming(api)
    return api.definition or writing.generate(api.name, api.version, api.description, snapshots.operations(api))


def require_streaming(api: Api) -> None:
    """Raises Invalid unless `api` is a streaming API."""
    if kinds.of(api.kind).document != "asyncapi":
        message = f"{api} is no streaming API."
        raise Invalid(message, [FieldError("type", message)])


def _usable(kind: str, operations: list[Any]) -> list[Any]:
    """The operations that callers of this kind can have: only WebSocket callers send. Others are no mistake of a definition."""
    allowed = ("SUBSCRIBE",) if kind != "WS" else ("SUBSCRIBE", "PUBLISH")
    return [
        one
        for one in operations
        if not isinstance(one, dict)
        or str(one.get("verb")).upper() in allowed
        or one.get("verb") not in ("PUBLISH", "SUBSCRIBE")
    ]


def _schemes(endpoints: Any) -> tuple[str, ...]:
    """The kinds that the scheme of the suggested backend fits."""
    url = str(((endpoints or {}).get("production") or {}).get("url", "")) if isinstance(endpoints, dict) else ""
    if url.startswith(("ws://", "wss://")):
        return ("WS",)
    return ("SSE", "WS") if url.startswith(("http://", "https://")) else KINDS
