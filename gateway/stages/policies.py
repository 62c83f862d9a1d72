"""What requests go through before the backend: schema validation, then the request policies of API and operation."""

from __future__ import annotations

from collections.abc import Awaitable

from gateway.call import Call
from gateway.plan import Plan
from gateway.policies import contract
from gateway.policies.base import Failure
from gateway.policies.catalogue import answering, request_steps
from gateway.policies.faulting import Faults
from gateway.stages import Step


def stage(plan: Plan) -> Step | None:
    """The stage of an operation; nothing where nothing is wanted. Raises ValueError for a policy that cannot be run."""
    steps = request_steps(plan)
    if plan.record.validate_schema:
        check = contract.request_step(plan)
        steps = [check, *steps] if check is not None else steps
    if not steps:
        return None
    return compile(tuple(steps), Faults(answering(plan, "fault").steps))


def compile(steps: tuple[Step, ...], faults: Faults) -> Step:
    """One step that runs `steps` in their order; what fails in them goes to the fault flow."""

    def run(call: Call, start: int = 0) -> bool | Awaitable[bool | None] | None:
        for number in range(start, len(steps)):
            try:
                outcome = steps[number](call)
            except Failure as failure:
                return faults.answer(call, failure.fault, failure.cause)
            if outcome is True:
                return True
            if outcome is not None and outcome is not False:
                return wait(call, outcome, number + 1)
        return None

    async def wait(call: Call, outcome: Awaitable[bool | None], following: int) -> bool | None:
        try:
            if await outcome:
                return True
        except Failure as failure:
            refused = faults.answer(call, failure.fault, failure.cause)
            return refused if isinstance(refused, bool) else await refused
        going = run(call, following)
        return going if isinstance(going, bool) or going is None else await going

    return run
