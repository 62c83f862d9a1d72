"""Whether a long connection may go on: the checks of its first moment, made again when something changed or a token ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from gateway.call import Call
from gateway.faults import Fault
from gateway.stages import Step

if TYPE_CHECKING:
    from gateway.compile import CompiledApi, CompiledOperation
    from gateway.services import Services

NEVER = float("inf")

Refused = Callable[[Fault | None, str], None]
"""Told why a connection may not go on: a fault, or what became of the API (`undeployed`, `deployed anew`)."""


class Admission:
    """A step that stands behind the checks of the caller: what comes before it can be asked again."""

    __slots__ = ("_step",)

    def __init__(self, step: Step) -> None:
        self._step = step

    def __call__(self, call: Call) -> bool | Awaitable[bool | None] | None:
        """Runs the step."""
        return self._step(call)


class Again(Call):
    """The call of a connection under way: a refusal is kept instead of answered."""

    __slots__ = ()

    def refuse(self, fault: Fault, cause: str = "", lines: bytes = b"") -> bool:
        """Keeps the fault."""
        self.fault = fault
        return True


class Recheck:
    """The watch over one connection. Call `look()` now and then; it costs two comparisons when nothing changed."""

    __slots__ = ("_call", "_expires", "_path", "_refused", "_renewed", "_services", "_state", "_task")

    def __init__(self, services: Services, call: Call, path: bytes) -> None:
        again = Again(call.observer, call.exchange, call.correlation, call.now)
        again.cut, again.api, again.operation = call.cut, call.api, call.operation
        again.principal, again.decision = call.principal, call.decision
        self._call = again
        self._path = path
        self._services = services
        self._state: object = services.current()
        self._task: asyncio.Future[bool | None] | None = None
        self._expires = _end(again)
        self._refused: Refused | None = None
        self._renewed: Callable[[Call], None] | None = None

    def start(self, refused: Refused, renewed: Callable[[Call], None]) -> None:
        """Whom to tell of a refusal, and of a decision or operation that may be new."""
        self._refused = refused
        self._renewed = renewed

    def stop(self) -> None:
        """The connection is over."""
        self._refused = self._renewed = None
        if self._task is not None:
            self._task.cancel()

    def look(self) -> None:
        """Asks again when something changed since the last time, or a credential ended."""
        state = self._services.current()
        if (state is self._state and time.time() < self._expires) or self._task is not None or self._refused is None:
            return
        self._state = state
        call = self._call
        record = cast("CompiledApi", call.api).record
        found = state.apis.get(f"{self._services.settings.environment}:{record.id}")
        operation = found.resources.find(b"GET", self._path) if found is not None else None
        if found is None or operation is None:
            self._refused(None, "undeployed")
        elif found is not call.api and found.record != record:
            self._refused(None, "deployed anew")
        else:
            call.api, call.operation = found, operation
            self._ask(operation)

    def _ask(self, operation: CompiledOperation) -> None:
        call = self._call
        call.now = time.time()
        call.fault = None
        checks = []
        for step in operation.steps:
            if isinstance(step, Admission):
                break
            checks.append(step)
        self._run(tuple(checks))

    def _run(self, steps: tuple[Step, ...]) -> None:
        for place, step in enumerate(steps):
            outcome = step(self._call)
            if outcome is None or outcome is False:
                continue
            if outcome is True:
                self._end(refused=True)
                return
            self._task = asyncio.ensure_future(outcome)
            self._task.add_done_callback(partial(self._resumed, steps[place + 1 :]))
            return
        self._end(refused=False)

    def _resumed(self, rest: tuple[Step, ...], done: asyncio.Future[bool | None]) -> None:
        self._task = None
        if done.cancelled() or self._refused is None:
            return
        if done.exception() is not None or done.result():
            self._end(refused=True)
        else:
            self._run(rest)

    def _end(self, refused: bool) -> None:
        if self._refused is None or self._renewed is None:
            return
        if refused or self._call.fault is not None:
            self._refused(self._call.fault, "undeployed")
            return
        self._expires = _end(self._call)
        self._renewed(self._call)


def _end(call: Call) -> float:
    """When the caller's credential ends, Unix seconds."""
    return call.principal.expires if call.principal is not None else NEVER
