"""What the floors above do when a request of theirs is decided, without this app knowing them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apim.workflows.models import Kind, Task

Step = Callable[[Task], None]


@dataclass(frozen=True)
class Handler:
    """Carries out a request, or puts back what waited. Both run in the transaction of the decision and may refuse it."""

    approve: Step
    reject: Step


_handlers: dict[str, Handler] = {}


def handles(kind: Kind, approve: Step, reject: Step) -> None:
    """Register (in `AppConfig.ready`) what is done for `kind`."""
    _handlers[kind] = Handler(approve, reject)


def handler(kind: str) -> Handler:
    """Who handles `kind`. Raises KeyError when no app does."""
    return _handlers[kind]


def kinds() -> frozenset[str]:
    """Kinds that somebody handles."""
    return frozenset(_handlers)
