"""Where the calls of an API go: addresses, how several of them work together, their security and their patience."""

from __future__ import annotations

from typing import Literal

from gateway.schema.base import Pairs, Record


class EndpointSecurity(Record, frozen=True):
    """What the gateway shows a backend. Secrets travel here and nowhere else: never into logs, pages or status."""

    kind: Literal["basic", "digest", "oauth", "api_key"]
    username: str = ""
    password: str = ""
    grant: Literal["", "client_credentials", "password"] = ""
    token_url: str = ""
    client_id: str = ""
    client_secret: str = ""
    parameters: Pairs = ()
    name: str = ""
    """Header or query parameter of an API key."""

    value: str = ""
    place: Literal["header", "query"] = "header"


class Suspension(Record, frozen=True):
    """When an endpoint counts as dead and for how long (Synapse's `markForSuspension` and `suspendOnFailure`).

    `codes` are the transport codes that only mark it (none = 101504 and 101505): it is tried again after `retry_delay_ms`,
    `retries` times, before it is suspended. `suspend_codes` suspend it at once (none = all others). The first suspension takes
    `initial_ms`, each one after it `factor` times as long as the one before, up to `maximum_ms` (0 = no maximum).
    """

    codes: tuple[str, ...] = ()
    retries: int = 0
    retry_delay_ms: int = 0
    suspend_codes: tuple[str, ...] = ()
    initial_ms: int = 30_000
    maximum_ms: int = 0
    factor: float = 1.0


class HealthCheck(Record, frozen=True):
    """An active check: GET `path` every `seconds`; `healthy` answers below 400 in a row revive, `unhealthy` others suspend."""

    path: str
    seconds: float = 10.0
    timeout_ms: int = 2_000
    healthy: int = 1
    unhealthy: int = 3


class CircuitBreaker(Record, frozen=True):
    """Bounds on what one worker has open towards a backend; 0 means no bound."""

    connections: int = 0
    pending: int = 0


class Function(Record, frozen=True):
    """Which AWS Lambda function serves one operation. `encoded`: its request body travels in base64."""

    verb: str
    target: str
    name: str
    timeout_ms: int = 50_000
    encoded: bool = False


class Endpoint(Record, frozen=True):
    """A backend. `url` is its address; groups (`load_balance`, `failover`) have `members` instead. Times: milliseconds.

    `retries`: how often a call that got no answer is sent again at once, where that is safe. `timeout_action`: what the caller
    gets when no answer comes in time: a fault, nothing (`discard`: the connection closes), or all the time it takes (`never`).
    Security and certificates of a group are those of its members that have none of their own.
    """

    url: str
    connect_timeout_ms: int = 5_000
    timeout_ms: int = 60_000
    kind: Literal["http", "soap", "load_balance", "failover", "dynamic", "mock", "aws_lambda", "websocket", "grpc"] = (
        "http"
    )
    members: tuple[Endpoint, ...] = ()
    algorithm: Literal["round_robin", "weighted"] = "round_robin"
    weight: int = 1
    session: Literal["", "simple", "transport", "soap"] = ""
    session_ms: int = 0
    failover: bool = True
    security: EndpointSecurity | None = None
    suspension: Suspension | None = None
    health: HealthCheck | None = None
    breaker: CircuitBreaker | None = None
    timeout_action: Literal["discard", "fault", "never"] = "fault"
    retries: int = 0
    certificates: tuple[str, ...] = ()
    """PEM certificates trusted for this backend, besides the gateway's authorities."""

    client_certificate: str = ""
    """PEM certificate (chain) we show to this backend, and its key."""

    client_key: str = ""
    functions: tuple[Function, ...] = ()
    """Of `aws_lambda`: the operations' functions."""

    properties: Pairs = ()
    """What a kind needs besides. `aws_lambda`: access_key, secret_key, region, role_arn, role_session_name, role_region, sts_url.
    `mock`: implementation `INLINE` (scripts of the definition first) or `MOCKED_OAS` (its examples only)."""
