"""The fault flow: what callers get when the backend gave no answer, or a policy failed.

Refusals by the checks (credentials, limits, threats) are not part of it, as in the original.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable

from gateway import faults
from gateway.call import Call
from gateway.endpoints.target import deliver, headers_of
from gateway.faults import Fault
from gateway.message import Answer
from gateway.policies.base import AnswerStep, Failure

log = logging.getLogger("gateway.policy")

TRANSPORT = ("101", "303")
"""First characters of the codes that say that a backend gave no answer."""


class Faults:
    """The compiled fault flow of an operation, which may be empty."""

    __slots__ = ("steps",)

    def __init__(self, steps: tuple[AnswerStep, ...]) -> None:
        self.steps = steps

    def answer(self, call: Call, fault: Fault, cause: str) -> bool | Awaitable[bool]:
        """Answers the call with `fault`, after the policies of the flow."""
        if not self.steps:
            return Call.refuse(call, fault, cause)
        return self._run(call, fault, cause)

    async def _run(self, call: Call, fault: Fault, cause: str) -> bool:
        call.fault = fault
        content_type, content = faults.render(fault, call.exchange)
        answer = Answer(fault.status, [(b"content-type", content_type), *headers_of(fault.lines)], content)
        try:
            await flow(self.steps, call, answer)
        except (Failure, ValueError) as error:
            log.error("the fault flow failed", extra={"fields": {"reason": str(error), "api": _name(call)}})
            return Call.refuse(call, fault, cause)
        call.observer.refused(call, fault, cause)
        return deliver(call, answer)


def _name(call: Call) -> str:
    return "" if call.api is None else f"{call.api.record.name}:{call.api.record.version}"


async def flow(steps: tuple[AnswerStep, ...], call: Call, answer: Answer) -> None:
    """Runs `steps` on an answer until one ends the flow. Raises Failure."""
    for step in steps:
        outcome = step(call, answer)
        if outcome is not None and not isinstance(outcome, bool):
            outcome = await outcome
        if outcome:
            return


def is_transport(fault: Fault) -> bool:
    """Whether it says that a backend gave no answer."""
    return fault.code.startswith(TRANSPORT)
