"""Mistakes around approvals."""

from __future__ import annotations

from apim.errors import Conflict, NotFound
from apim.workflows.models import Task


class Pending(Conflict):
    """The thing waits for a decision, which must come first."""

    code, message = 900409, "Waiting for approval"

    def __init__(self, name: object, task: Task) -> None:
        what = task.get_kind_display().lower()
        super().__init__(f"{name} waits for a decision on its {what} (reference {task.pk}).")


class Decided(Conflict):
    """Somebody decided otherwise already."""

    def __init__(self, task: Task) -> None:
        who = f" by {task.decided_by}" if task.decided_by else ""
        super().__init__(f"The request {task.pk} was {task.get_status_display().lower()}{who} already.")


class NoTask(NotFound):
    """There is no such request, or it is another organisation's."""

    def __init__(self, reference: object) -> None:
        super().__init__(f"There is no workflow request {str(reference)[:80]!r}.")
