"""The `endpointConfig` of an API project as endpoints of the gateway."""

from __future__ import annotations

from typing import Any, Literal, cast

from gateway import schema
from gateway.standalone.view import View

KINDS = {
    "http": "http",
    "address": "http",
    "service": "http",
    "wsdl": "soap",
    "ws": "websocket",
    "default": "dynamic",
    "load_balance": "load_balance",
    "failover": "failover",
}
"""`endpoint_type` → kind."""

Side = Literal["production", "sandbox"]


def endpoints(config: View) -> dict[str, schema.Endpoint]:
    """The `production` and `sandbox` endpoint, as far as they are there."""
    kind = config.choice("endpoint_type", tuple(KINDS), "http")
    found: dict[str, schema.Endpoint] = {}
    sides: tuple[Side, ...] = ("production", "sandbox")
    for side in sides:
        endpoint = _side(config, side, KINDS[kind])
        if endpoint is not None:
            found[side] = endpoint
    return found


def _side(config: View, side: Side, kind: str) -> schema.Endpoint | None:
    given = config.data.get(f"{side}_endpoints")
    security = _security(config, side)
    if kind == "dynamic":
        return schema.Endpoint("", kind="dynamic", security=security)
    members = config.views(f"{side}_endpoints") if isinstance(given, list) else []
    if not given and not members:
        return None
    first = members[0] if members else config.view(f"{side}_endpoints")
    if kind == "failover":
        members = [first, *config.views(f"{side}_failovers")]
    if kind in ("load_balance", "failover") and len(members) > 1:
        parts = tuple(_one(member, "http", None) for member in members)
        session = {"simpleClientSession": "simple", "transport": "transport", "soap": "soap"}
        return schema.Endpoint(
            "", kind=cast(Any, kind), members=parts, security=security,
            session=cast(Any, session.get(config.text("sessionManagement"), "")),
            session_ms=config.number("sessionTimeOut", 0), failover=config.flag("failOver", True),
        )  # fmt: skip
    return _one(first, "http" if kind in ("load_balance", "failover") else kind, security)


def _one(view: View, kind: str, security: schema.EndpointSecurity | None) -> schema.Endpoint:
    settings = view.view("config")
    url = view.text("url")
    if not url.startswith(("http://", "https://", "ws://", "wss://")):
        view.wrong("url", f"{url!r} is not an address; allowed: http://…, https://…, ws://…, wss://…")
    milliseconds = settings.number("actionDuration", 60_000)
    action = settings.choice("actionSelect", ("fault", "discard", "never"), "fault")
    return schema.Endpoint(
        url,
        kind=cast(Any, kind),
        timeout_ms=milliseconds or 60_000,
        timeout_action=cast(Any, action),
        security=security,
    )


def _security(config: View, side: Side) -> schema.EndpointSecurity | None:
    view = config.view("endpoint_security").view(side)
    if not view.data or not view.flag("enabled", True):
        return None
    kind = view.choice(
        "type", ("BASIC", "DIGEST", "OAUTH", "apikey", "NONE", "basic", "digest", "oauth", "none"), "NONE"
    )
    if kind.lower() == "none":
        return None
    return schema.EndpointSecurity(
        kind=cast(Any, {"apikey": "api_key"}.get(kind.lower(), kind.lower())),
        username=view.text("username"),
        password=view.text("password"),
        grant=cast(Any, view.choice("grantType", ("", "CLIENT_CREDENTIALS", "PASSWORD"), "").lower()),
        token_url=view.text("tokenUrl"),
        client_id=view.text("clientId"),
        client_secret=view.text("clientSecret"),
        name=view.text("apiKeyIdentifier"),
        value=view.text("apiKeyValue"),
        place=cast(Any, "query" if view.text("apiKeyIdentifierType").upper() == "QUERY_PARAMETER" else "header"),
    )
