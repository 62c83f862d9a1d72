"""Requests: begin one, decide it once, withdraw it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from apim.accounts import audit
from apim.accounts.actions.roles import may_manage
from apim.accounts.models import Organisation, User
from apim.accounts.permissions import require
from apim.errors import FieldError, Invalid
from apim.eventhub.publish import take_turn
from apim.workflows import queries, queue, registry
from apim.workflows.errors import Decided, NoTask, Pending
from apim.workflows.models import Status, Style, Task

SERVICE = "workflow service"
"""Who decided when the configured service called back."""

LONGEST_COMMENT = 500


def begin(
    *,
    by: User,
    kind: str,
    organisation: Organisation,
    subject: Model,
    description: str,
    properties: dict[str, Any] | None = None,
    payload: dict[str, Any] | None = None,
    transition: str = "",
) -> Task | None:
    """Ask for a decision on `kind`; None means that the organisation asks nobody and the caller goes on.

    Runs in the caller's transaction, after its permission check. Raises Pending when `subject` waits already.
    """
    found = queries.executor(organisation, kind, transition)
    if found is None:
        return None
    earlier = queries.pending(subject)
    if earlier is not None:
        raise Pending(subject, earlier)
    task = Task.objects.create(
        organisation=organisation,
        kind=kind,
        style=found.style,
        requester=by,
        requester_name=by.get_username(),
        subject_kind=type(subject).__name__.lower(),
        subject_id=str(subject.pk),
        subject_name=str(subject)[:250],
        description=description[:500],
        properties=properties or {},
        payload=payload or {},
        due=timezone.now() if found.style == Style.HTTP else None,
    )
    audit.record(by, "workflow.begin", task, after={"kind": kind, "subject": task.subject_name})
    queue.after_commit("deliver" if found.style == Style.HTTP else "mail_approvers", task)
    return task


def decide(*, by: User | None, task: Task, approved: bool, comment: str = "") -> Task:
    """Approve or reject a request; `by` None is the service that was asked. The same decision again changes nothing.

    What has to be made at other servers is made before the transaction begins: nobody waits in the queue for those.
    Raises Decided when it was decided otherwise or withdrawn, NoTask, Forbidden, and what carrying it out raises.
    """
    if by is not None:
        require(by)
        may_manage(by, task.organisation)
    _check_comment(comment)
    handler = registry.handler(task.kind)
    now = Task.objects.filter(pk=task.pk).only("status").first()
    if not approved or now is None or not now.is_waiting:
        return _decide(by, task, handler.approve if approved else handler.reject, approved=approved, comment=comment)
    with handler.prepared(task) as approve:
        return _decide(by, task, approve, approved=True, comment=comment)


@transaction.atomic
def _decide(by: User | None, task: Task, step: registry.Step, *, approved: bool, comment: str) -> Task:
    # Carrying it out locks rows and publishes; whoever does that waits in one queue.
    take_turn()
    row = Task.objects.select_for_update(of=("self",)).select_related("organisation").filter(pk=task.pk).first()
    if row is None:
        raise NoTask(task.pk)
    wanted = Status.APPROVED if approved else Status.REJECTED
    if row.status == wanted:
        return row
    if not row.is_waiting:
        raise Decided(row)
    row.status, row.comment, row.due = wanted, comment, None
    row.decided_by = by.get_username() if by else SERVICE
    row.save(update_fields=["status", "comment", "decided_by", "due", "updated"])
    audit.record(
        by,
        "workflow.approve" if approved else "workflow.reject",
        row,
        before={"status": str(Status.CREATED)},
        after={"status": str(wanted), "kind": row.kind, "subject": row.subject_name, "comment": comment},
    )
    step(row)
    queue.after_commit("mail_requester", row)
    return row


def withdraw(*, by: User | None, subject: Model) -> Task | None:
    """End the request that `subject` waits for, because it is gone or its owner thought better of it; None: there is none.

    Runs in the caller's transaction; what waited is put back by the caller.
    """
    found = queries.pending(subject)
    if found is None:
        return None
    row = Task.objects.select_for_update().get(pk=found.pk)
    if not row.is_waiting:
        return None
    row.status, row.due = Status.WITHDRAWN, None
    row.decided_by = by.get_username() if by else ""
    row.save(update_fields=["status", "due", "decided_by", "updated"])
    audit.record(by, "workflow.withdraw", row, before={"status": str(Status.CREATED)}, after={"status": row.status})
    return row


def _check_comment(comment: str) -> None:
    if len(comment) > LONGEST_COMMENT or "\0" in comment:
        raise Invalid(
            "The comment is not valid.", [FieldError("description", f"{LONGEST_COMMENT} characters at most, no NUL")]
        )
