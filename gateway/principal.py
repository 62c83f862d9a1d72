"""Who calls (a checked credential) and what that caller may do with one API (a compiled decision)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from gateway.faults import Fault
from gateway.schema import Application, Subscription

if TYPE_CHECKING:
    from gateway.counters import Counter

Kind = Literal["oauth2", "api_key", "basic", "certificate", "internal"]

SPECIAL = "@"
"""First character of the `consumer` of everything but OAuth2; no organisation's domain has it, so no `Key` record either."""


@dataclass(slots=True)
class Principal:
    """A checked credential. `consumer` says whose calls these are: for OAuth2 the key of a `Key` record, for the others one of
    gateway.decide's own forms. `expires`: Unix seconds with leeway. `free`: the API's and operation's demands on OAuth2
    tokens (key manager, audience, kind, scopes) do not apply. `bound`: the certificate it must come with, as hex thumbprint.
    """

    consumer: str
    client_id: str
    key_manager: str
    subject: str
    token_id: str
    expires: float
    scopes: frozenset[str] = frozenset()
    audiences: frozenset[str] = frozenset()
    is_application: bool = False
    kind: Kind = "oauth2"
    free: bool = False
    bound: str = ""
    roles: frozenset[str] | None = None
    """Of people who came with a password: their roles, which stand in for scopes. None for everybody else."""

    claims: dict[str, Any] = field(default_factory=dict)
    """What else the token says, for claim conditions and the backend's JWT."""

    assertions: dict[str, tuple[bytes, float, Decision]] | None = None
    """Backend JWTs made for it: API id → header line, when it has to be made anew, and what it was made from."""


@dataclass(slots=True)
class Decision:
    """What one caller may do with one API, worked out once per change: refused, or which side and how much."""

    fault: Fault | None
    cause: str = ""
    limits: tuple[Counter, ...] = ()
    application: Application | None = None
    subscription: Subscription | None = None
    key_type: str = ""
    sandbox: bool = field(init=False)
    """Whether its calls go to the sandbox."""

    def __post_init__(self) -> None:
        self.sandbox = self.key_type == "SANDBOX"
