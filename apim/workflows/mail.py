"""Mails about requests: to those who decide when one begins, to the requester when it is decided."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMessage

from apim.accounts.models import BuiltinRole, User
from apim.workflows.models import Executor, Task

MOST = 50
"""Administrators that are told of one request."""


def to_approvers(task: Task) -> int:
    """Tell who decides that `task` waits. How many mails were sent."""
    receivers = _approvers(task)
    text = (
        f"{task.description}\n\nRequested by: {task.requester_name}\nOrganisation: {task.organisation.domain}\n"
        f"Approve or reject it here: {settings.APIM.public}/admin/workflows/task/{task.pk}/change/\n"
    )
    return _send(f"Waiting for approval: {task}", text, receivers)


def to_requester(task: Task) -> int:
    """Tell the requester what was decided. How many mails were sent."""
    outcome = task.get_status_display().lower()
    comment = f"\n\nComment: {task.comment}" if task.comment else ""
    text = f"Your request was {outcome}.\n\n{task.description}{comment}\n"
    address = task.requester.email if task.requester else str(task.payload.get("email", ""))
    return _send(f"Request {outcome}: {task}", text, [address] if address else [])


def _approvers(task: Task) -> list[str]:
    executor = Executor.objects.filter(organisation=task.organisation, kind=task.kind).first()
    named = [part.strip() for part in (executor.notify if executor else "").split(",") if part.strip()]
    if named:
        return named
    people = User.objects.filter(organisation=task.organisation, is_active=True, roles__name=BuiltinRole.ADMIN)
    return list(people.exclude(email="").values_list("email", flat=True).distinct()[:MOST])


def _send(subject: str, text: str, receivers: list[str]) -> int:
    """One mail each: nobody sees who else was told. Line breaks in names end no header."""
    line = " ".join(subject.split())[:200]
    return sum(EmailMessage(line, text, to=[one]).send() for one in receivers)
