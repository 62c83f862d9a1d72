"""Deny policies: who is not let in whatever the limits say. Organisations without any have no such step."""

from __future__ import annotations

from gateway import faults
from gateway.call import Call
from gateway.plan import Plan
from gateway.stages import Step


def stage(plan: Plan) -> Step | None:
    """The stage of an API, looked for among the deny policies of its organisation."""
    denials, organisation = plan.services.denials, plan.record.organisation
    if not denials.any(organisation):
        return None

    def deny(call: Call) -> bool | None:
        policy = denials.policy(organisation, call)
        return call.refuse(faults.DENIED, f"deny policy {policy}") if policy is not None else None

    return plan.once("deny", lambda: deny)
