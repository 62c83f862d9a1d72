"""Deployed APIs with their operations, and everything that was chosen for them in the publisher."""

from __future__ import annotations

from typing import Any, Literal

from gateway.schema.base import Pairs, Record
from gateway.schema.endpoints import Endpoint
from gateway.schema.limits import Limit


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


class PolicyUse(Record, frozen=True):
    """An operation policy in a flow (reference A4). `parameters` are its attributes' values.

    `definition` is the Synapse text (`.j2` template) of a policy the gateway does not know by its name; empty for those it does.
    """

    name: str
    version: str = "v1"
    parameters: dict[str, Any] = {}
    definition: str = ""


class Flows(Record, frozen=True):
    """The policies of the three flows, each in its order."""

    request: tuple[PolicyUse, ...] = ()
    response: tuple[PolicyUse, ...] = ()
    fault: tuple[PolicyUse, ...] = ()


class Operation(Record, frozen=True):
    """One verb on one URI template. `auth`: who may call it; `policy`: name of an `api`-level policy.

    Of GraphQL APIs `verb` is QUERY, MUTATION or SUBSCRIPTION and `target` a field's name; of streaming APIs PUBLISH or SUBSCRIBE
    and a topic. `production` and `sandbox` are set for operations of an API product, which go to their own API's backends;
    `source` is then that API's id and `base` the resource path put before the call's (mostly empty).
    """

    verb: str
    target: str
    auth: Literal["any", "application", "user", "none"] = "any"
    scopes: tuple[str, ...] = ()
    policy: str = "Unlimited"
    flows: Flows = Flows()
    production: Endpoint | None = None
    sandbox: Endpoint | None = None
    source: str = ""
    base: str = ""


class BackendThroughput(Record, frozen=True):
    """The most a backend is given, all consumers together (reference A5, 900801)."""

    production: Limit | None = None
    sandbox: Limit | None = None


class Complexity(Record, frozen=True):
    """The cost of one GraphQL field; fields without one cost 1."""

    type: str
    field: str
    value: int


ApiKind = Literal["HTTP", "SOAP", "SOAPTOREST", "GRAPHQL", "WS", "SSE", "WEBSUB", "PRODUCT"]


class Api(Record, frozen=True):
    """A deployed API revision. Key: `{environment}:{id}`.

    `context` is the full base path with tenant prefix and version (`/t/acme.com/pizza/1.0`); `default_context` is
    the version-less one when this is the default version, else empty. `policy` is set when the whole API shares one
    limit; then the operations' own policies are not looked at. `hosts` are the virtual hosts it answers on; none means every one.
    `security` names the schemes it takes: `oauth2`, `api_key`, `basic_auth`, `mutualssl`; `application_security_mandatory` and
    `mutual_tls_mandatory` say which side must be there. `definition` (OpenAPI, GraphQL SDL, WSDL, AsyncAPI) travels only where a
    feature of the gateway needs it. `scope_roles`: scope → roles it is bound to, for callers with user name and password.
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
    kind: ApiKind = "HTTP"
    hosts: tuple[str, ...] = ()
    api_key_header: str = "apikey"
    application_security_mandatory: bool = True
    mutual_tls_mandatory: bool = False
    subscriptionless: bool = False
    cross_tenant: bool = False
    flows: Flows = Flows()
    validate_schema: bool = False
    cache_seconds: int = 0
    throughput: BackendThroughput | None = None
    complexities: tuple[Complexity, ...] = ()
    definition: str = ""
    properties: Pairs = ()
    scope_roles: tuple[tuple[str, tuple[str, ...]], ...] = ()
