"""Who calls (a verified token) and what that caller may do with one API (a compiled decision)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.faults import Fault
from gateway.schema import Application, Subscription

if TYPE_CHECKING:
    from gateway.counters import Counter


@dataclass(slots=True)
class Principal:
    """A verified access token. `consumer` is the key of its `Key` record; `expires` Unix seconds with leeway."""

    consumer: str
    client_id: str
    key_manager: str
    subject: str
    token_id: str
    expires: float
    scopes: frozenset[str]
    audiences: frozenset[str]
    is_application: bool


@dataclass(slots=True)
class Decision:
    """What one OAuth client may do with one API, worked out once per change: refused, or which side and how much."""

    fault: Fault | None
    cause: str = ""
    limits: tuple[Counter, ...] = ()
    application: Application | None = None
    subscription: Subscription | None = None
    key_type: str = ""

    @property
    def sandbox(self) -> bool:
        """Whether its calls go to the sandbox."""
        return self.key_type == "SANDBOX"
