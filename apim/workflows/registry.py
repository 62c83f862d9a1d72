"""What the floors above do when a request of theirs is decided, without this app knowing them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from apim.workflows.models import Kind, Task

Step = Callable[[Task], None]
Prepare = Callable[[Task], AbstractContextManager[Step]]


@dataclass(frozen=True)
class Handler:
    """Carries out a request, or puts back what waited. Both run in the transaction of the decision and may refuse it.

    `prepare` is for approvals that call other servers: it is entered before that transaction and any lock, gives the step that
    is taken inside, and on leaving takes back what came to nothing.
    """

    approve: Step
    reject: Step
    prepare: Prepare | None = None

    def prepared(self, task: Task) -> AbstractContextManager[Step]:
        """The step that approves `task`, with whatever had to be made elsewhere."""
        return self.prepare(task) if self.prepare is not None else nullcontext(self.approve)


_handlers: dict[str, Handler] = {}


def handles(kind: Kind, approve: Step, reject: Step, prepare: Prepare | None = None) -> None:
    """Register (in `AppConfig.ready`) what is done for `kind`."""
    _handlers[kind] = Handler(approve, reject, prepare)


def handler(kind: str) -> Handler:
    """Who handles `kind`. Raises KeyError when no app does."""
    return _handlers[kind]


def kinds() -> frozenset[str]:
    """Kinds that somebody handles."""
    return frozenset(_handlers)
