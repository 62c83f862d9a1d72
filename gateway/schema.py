"""The one definition of the records that travel from the control plane to gateways.

Both sides import this file: `apim.eventhub` writes the records, the gateway builds its chains from them. It therefore
imports nothing but msgspec. A field added here must have a default, so that an older disk copy still loads.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["api", "application", "key", "subscription", "policy", "key_manager", "revocation"]


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of all records: immutable, and compact on the wire."""


class Limit(Record, frozen=True):
    """At most `amount` of `unit` in each calendar-aligned window of `seconds` seconds (reference A11)."""

    amount: int
    seconds: int
    unit: Literal["requests", "bytes", "events"] = "requests"


class Policy(Record, frozen=True):
    """A rate-limiting policy. `quota` None means unlimited; `burst` is the spike arrest of a subscription policy.

    Key: `{organisation}:{level}:{name}`. `api` policies serve APIs and operations (advanced policies).
    """

    organisation: str
    level: Literal["api", "application", "subscription"]
    name: str
    quota: Limit | None = None
    burst: Limit | None = None
    stop_on_quota_reach: bool = True


class Endpoint(Record, frozen=True):
    """A backend address with its timeouts in milliseconds."""

    url: str
    connect_timeout_ms: int = 5_000
    timeout_ms: int = 60_000


class Cors(Record, frozen=True):
    """CORS answers of one API (reference A12). Credentials are refused with a `*` origin."""

    enabled: bool = True
    origins: tuple[str, ...] = ("*",)
    methods: tuple[str, ...] = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS")
    headers: tuple[str, ...] = (
        "authorization",
        "Access-Control-Allow-Origin",
        "Content-Type",
        "SOAPAction",
        "apikey",
        "Internal-Key",
    )
    credentials: bool = False


class Operation(Record, frozen=True):
    """One verb on one URI template. `auth`: who may call it; `policy`: name of an `api`-level policy."""

    verb: str
    target: str
    auth: Literal["any", "application", "user", "none"] = "any"
    scopes: tuple[str, ...] = ()
    policy: str = "Unlimited"


class Api(Record, frozen=True):
    """A deployed API revision. Key: `{environment}:{id}`.

    `context` is the full base path with tenant prefix and version (`/t/acme.com/pizza/1.0`); `default_context` is
    the version-less one when this is the default version, else empty. `policy` is set when the whole API shares one
    limit; then the operations' own policies are not looked at.
    """

    id: str
    organisation: str
    name: str
    version: str
    context: str
    provider: str
    revision: int
    operations: tuple[Operation, ...]
    production: Endpoint | None = None
    sandbox: Endpoint | None = None
    default_context: str = ""
    lifecycle: Literal["CREATED", "PROTOTYPED", "PUBLISHED", "BLOCKED", "DEPRECATED"] = "PUBLISHED"
    transports: tuple[str, ...] = ("http", "https")
    security: tuple[str, ...] = ("oauth2",)
    authorization_header: str = "Authorization"
    policy: str = ""
    cors: Cors = Cors()
    audiences: tuple[str, ...] = ()
    key_managers: tuple[str, ...] = ("all",)


class Application(Record, frozen=True):
    """A consumer application. Key: its id (uuid text). `policy` names an `application`-level policy."""

    id: str
    organisation: str
    name: str
    owner: str
    policy: str = "Unlimited"


class Key(Record, frozen=True):
    """An OAuth client of an application. Key: `{key_manager}:{client_id}`, key_manager as in KeyManager's key."""

    client_id: str
    key_manager: str
    application: str
    key_type: Literal["PRODUCTION", "SANDBOX"] = "PRODUCTION"


class Subscription(Record, frozen=True):
    """An application's subscription to an API. Key: its id (uuid text). `plan` names a `subscription` policy."""

    id: str
    api: str
    application: str
    plan: str
    state: Literal["UNBLOCKED", "BLOCKED", "PROD_ONLY_BLOCKED", "ON_HOLD", "REJECTED", "TIER_UPDATE_PENDING"] = (
        "UNBLOCKED"
    )


class KeyManager(Record, frozen=True):
    """An accepted token issuer. Key: `{organisation}:{name}`. `jwks` is the RFC 7517 document, as text.

    `client_claim` names the claim that holds the OAuth client id; `scope_claim` the space-separated scopes.
    """

    organisation: str
    name: str
    issuer: str
    jwks: str
    client_claim: str = "azp"
    scope_claim: str = "scope"
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    leeway_seconds: int = 5
    enabled: bool = True


class Revocation(Record, frozen=True):
    """A revoked access token, by its `jti`. Key: the jti. May be forgotten after `expires` (Unix seconds)."""

    jti: str
    expires: int


RECORDS: dict[str, type[Record]] = {
    "api": Api,
    "application": Application,
    "key": Key,
    "subscription": Subscription,
    "policy": Policy,
    "key_manager": KeyManager,
    "revocation": Revocation,
}
"""Kind → record type. The order is the order of a snapshot: what others refer to need not come first."""


DELETED = msgspec.Raw(b"null")


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change: the newest record of (kind, key) as undecoded JSON, or its deletion (JSON null).

    `environment` names the one gateway environment it is for; empty means every one.
    """

    sequence: int
    kind: str
    key: str
    organisation: str = ""
    environment: str = ""
    record: msgspec.Raw = DELETED

    @property
    def deleted(self) -> bool:
        """Whether (kind, key) is gone."""
        return bytes(self.record) == b"null"


class Batch(msgspec.Struct, frozen=True, omit_defaults=True):
    """Answer of the event hub: `events` in sequence order up to `sequence`.

    `snapshot` True: these events are everything there is, forget what you had. `more` True: ask again at once.
    """

    sequence: int
    events: list[Event]
    snapshot: bool = False
    more: bool = False


class Refusal(msgspec.Struct, frozen=True):
    """A record that a gateway could not use, and why."""

    sequence: int
    kind: str
    key: str
    reason: str


class Status(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a gateway worker reports about itself after each swap and every few seconds. Times: Unix seconds."""

    gateway: str
    environment: str
    host: str
    pid: int
    sequence: int
    apis: int
    subscriptions: int
    started: float
    version: str = ""
    refusals: list[Refusal] = []
