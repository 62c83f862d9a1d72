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

    `codes`: transport error codes that count, none = all; `retries` before it is suspended; milliseconds for the rest.
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


class Endpoint(Record, frozen=True):
    """A backend. `url` is its address; groups (`load_balance`, `failover`) have `members` instead. Times: milliseconds."""

    url: str
    connect_timeout_ms: int = 5_000
    timeout_ms: int = 60_000
    kind: Literal["http", "soap", "load_balance", "failover", "dynamic", "mock", "aws_lambda", "websocket"] = "http"
    members: tuple[Endpoint, ...] = ()
    algorithm: Literal["round_robin", "weighted"] = "round_robin"
    weight: int = 1
    session: Literal["", "simple", "transport", "soap"] = ""
    session_seconds: int = 0
    failover: bool = True
    security: EndpointSecurity | None = None
    suspension: Suspension | None = None
    health: HealthCheck | None = None
    breaker: CircuitBreaker | None = None
    timeout_action: Literal["discard", "fault", "never"] = "fault"
    retries: int = 0
    certificates: tuple[str, ...] = ()
    """PEM certificates trusted for this backend, besides the gateway's authorities."""

    properties: Pairs = ()
    """What a kind needs besides: `aws_lambda` its access key, secret, region, role; `mock` nothing."""
