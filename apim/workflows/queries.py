"""Reads of requests and executors, inside one organisation."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Model, QuerySet

from apim.accounts.models import Organisation
from apim.workflows.errors import NoTask, Pending
from apim.workflows.models import Executor, Status, Style, Task


def waiting(organisation: Organisation, kind: str = "") -> QuerySet[Task]:
    """Requests of the organisation that nobody has decided, the newest first."""
    found = Task.objects.filter(organisation=organisation, status=Status.CREATED)
    return found.filter(kind=kind) if kind else found


def task(organisation: Organisation, reference: object) -> Task:
    """One request of the organisation, decided or not. Raises NoTask."""
    try:
        found = Task.objects.filter(organisation=organisation, pk=UUID(str(reference))).first()
    except ValueError:
        found = None
    if found is None:
        raise NoTask(reference)
    return found


def pending(subject: Model) -> Task | None:
    """The request that `subject` waits for, or None."""
    kind = type(subject).__name__.lower()
    return Task.objects.filter(subject_kind=kind, subject_id=str(subject.pk), status=Status.CREATED).first()


def refuse_pending(subject: Model) -> None:
    """Raise Pending when `subject` waits for a decision."""
    found = pending(subject)
    if found is not None:
        raise Pending(subject, found)


def last_of(subject: Model, kinds: Iterable[str] = ()) -> Task | None:
    """The newest request about `subject` (of these kinds), decided or not."""
    found = Task.objects.filter(subject_kind=type(subject).__name__.lower(), subject_id=str(subject.pk))
    return (found.filter(kind__in=list(kinds)) if kinds else found).first()


def executor(organisation: Organisation, kind: str, transition: str = "") -> Executor | None:
    """Who decides on `kind` there; None: nobody needs to. `transition` (`CREATED:Publish`) matters for state changes."""
    found = Executor.objects.filter(organisation=organisation, kind=kind).exclude(style=Style.SIMPLE).first()
    if found is None or (found.transitions and transition and transition not in found.transitions):
        return None
    return found
