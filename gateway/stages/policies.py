"""The request policies of an operation (reference A4): nothing where none are attached."""

from __future__ import annotations

from gateway.plan import Plan
from gateway.stages import Step


def stage(plan: Plan) -> Step | None:
    """The stage of an operation. Raises ValueError for a policy that this version cannot run."""
    for use in (*plan.record.flows.request, *plan.operation.flows.request):
        raise ValueError(f"policy {use.name!r} is not known to this gateway")
    return None
