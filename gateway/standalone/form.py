"""The form of `gateway.yaml`, section by section: names as in the records, short where a standalone gateway needs no more."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from gateway import schema
from gateway.schema.apis import ApiKind

Level = Literal["api", "application", "subscription"]
Unit = Literal["second", "minute", "hour", "day", "week", "month", "year"]


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all sections: a name that is not known is a mistake."""


class Limit(Form, frozen=True):
    """`requests`, `bytes` or `events`: so many in each `every` × `per`."""

    per: Unit
    every: int = 1
    requests: int | None = None
    bytes: int | None = None
    events: int | None = None
    sliding: bool = False


class Group(Form, frozen=True):
    """A limit for calls that meet all conditions."""

    conditions: tuple[schema.Condition, ...]
    limit: Limit


class Policy(Form, frozen=True):
    """A rate-limiting policy; without a limit it is unlimited."""

    limit: Limit | None = None
    burst: Limit | None = None
    stop_on_quota_reach: bool = True
    groups: tuple[Group, ...] = ()
    graphql_max_depth: int = 0
    graphql_max_complexity: int = 0


class KeyManager(Form, frozen=True):
    """An accepted issuer. `jwks`: a file beside this one, or an address."""

    name: str
    issuer: str
    jwks: str = ""
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    client_claim: str = "azp"
    scope_claim: str = "scope"
    leeway_seconds: int = 5
    introspection_url: str = ""
    introspection_user: str = ""
    introspection_password: str = ""
    resident: bool = False


class Key(Form, frozen=True):
    """An OAuth client; `key_manager` empty means the first one."""

    client_id: str
    key_manager: str = ""
    type: Literal["PRODUCTION", "SANDBOX"] = "PRODUCTION"


class Subscription(Form, frozen=True):
    """`api` is `Name:version`."""

    api: str
    plan: str = "Unlimited"
    state: Literal["UNBLOCKED", "BLOCKED", "PROD_ONLY_BLOCKED", "ON_HOLD", "REJECTED"] = "UNBLOCKED"


class Application(Form, frozen=True):
    """A consumer application with its keys and subscriptions."""

    name: str
    owner: str = "admin"
    policy: str = "Unlimited"
    keys: tuple[Key, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()


class Deny(Form, frozen=True):
    """A deny policy."""

    kind: Literal["api", "application", "ip", "ip_range", "user"]
    value: str
    invert: bool = False


class Domain(Form, frozen=True):
    """A host whose calls are read with `prefix` before their path."""

    host: str
    prefix: str


class Operation(Form, frozen=True):
    """One verb on one URI template."""

    verb: str
    target: str
    auth: Literal["any", "application", "user", "none"] = "any"
    scopes: tuple[str, ...] = ()
    policy: str = "Unlimited"
    flows: schema.Flows = schema.Flows()


class Api(Form, frozen=True):
    """An API written out here. `endpoint` is an address, or all fields of one; `definition` an OpenAPI file beside this one.

    An operation is `GET /menu` or written out; without any, those of the definition, else every path.
    """

    name: str
    version: str
    context: str
    endpoint: str | schema.Endpoint = ""
    sandbox_endpoint: str | schema.Endpoint = ""
    operations: tuple[str | Operation, ...] = ()
    definition: str = ""
    default_version: bool = False
    lifecycle: Literal["CREATED", "PROTOTYPED", "PUBLISHED", "BLOCKED", "DEPRECATED"] = "PUBLISHED"
    transports: tuple[Literal["http", "https", "ws", "wss"], ...] = ("http", "https")
    security: tuple[Literal["oauth2", "api_key", "basic_auth", "mutualssl"], ...] = ("oauth2",)
    authorization_header: str = "Authorization"
    api_key_header: str = "apikey"
    policy: str = ""
    cors: schema.Cors = schema.Cors()
    audiences: tuple[str, ...] = ()
    key_managers: tuple[str, ...] = ("all",)
    hosts: tuple[str, ...] = ()
    kind: ApiKind = "HTTP"
    subscriptionless: bool = False
    flows: schema.Flows = schema.Flows()
    validate_schema: bool = False
    cache_seconds: int = 0
    properties: dict[str, str] = {}


SECTIONS: dict[str, Any] = {
    "organisation": str,
    "key_managers": KeyManager,
    "policies": Policy,
    "applications": Application,
    "deny": Deny,
    "domains": Domain,
    "revoked": str,
    "apis": Api,
}
"""Top level of the file → what one entry of it is."""
