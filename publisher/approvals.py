"""Asks for decisions about steps of the life cycle, and carries them out once they are approved."""

from __future__ import annotations

from apim.accounts.models import User
from apim.workflows.actions.tasks import begin
from apim.workflows.models import Kind, Task
from publisher.models import Api, State
from publisher.products import PRODUCT


def kind_of(api: Api) -> Kind:
    """Under which kind of request its steps come."""
    return Kind.API_PRODUCT_STATE if api.kind == PRODUCT else Kind.API_STATE


def step(by: User, api: Api, action: str, target: str, ticked: frozenset[str]) -> Task | None:
    """The step waits; None: it need not."""
    now, then = State(api.state).label, State(target).label
    return begin(
        by=by,
        kind=kind_of(api),
        organisation=api.organisation,
        subject=api,
        description=f"Approve the step {action} of {api} by {api.provider}: from {now} to {then}.",
        properties={
            "action": action,
            "currentState": now,
            "apiName": api.name,
            "apiVersion": api.version,
            "apiContext": api.context,
            "apiProvider": api.provider.get_username(),
        },
        payload={"action": action, "checklist": sorted(ticked)},
        transition=f"{api.state}:{action}",
    )
