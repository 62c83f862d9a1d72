"""What happens when a step of the life cycle was decided. It runs in the transaction of the decision."""

from __future__ import annotations

from apim.workflows.models import Kind, Task
from apim.workflows.registry import handles
from publisher.actions.lifecycle import carry_out
from publisher.models import Api


def register() -> None:
    """Say who carries out what."""
    handles(Kind.API_STATE, take_step, stay)
    handles(Kind.API_PRODUCT_STATE, take_step, stay)


def take_step(task: Task) -> None:
    """The API goes on, if it still can: who decides is told why not."""
    rows = Api.objects.select_for_update(of=("self",)).select_related("organisation", "provider")
    api = rows.filter(pk=task.subject_id).first()
    if api is not None:
        carry_out(task.requester or api.provider, api, task.payload["action"], frozenset(task.payload["checklist"]))


def stay(task: Task) -> None:
    """The API stays where it is."""
