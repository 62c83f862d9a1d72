"""Work of this app for Celery: calls of services, mails, and what is left behind."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from apim.workflows import mail
from apim.workflows.deliver import call
from apim.workflows.models import Status, Task

log = structlog.get_logger(__name__)
MOST_DUE = 200
KEEP_DAYS = 365
"""How long decided requests can be looked at; the audit trail keeps its rows."""

KEEP_MAILS_DAYS = 7


@shared_task(ignore_result=True)
def deliver(reference: str) -> None:
    """Call the service of one request."""
    call(reference)


@shared_task(ignore_result=True)
def mail_approvers(reference: str) -> None:
    """Tell who decides."""
    _mailed(reference, mail.to_approvers)


@shared_task(ignore_result=True)
def mail_requester(reference: str) -> None:
    """Tell who asked."""
    _mailed(reference, mail.to_requester)


@shared_task(ignore_result=True)
def sweep() -> None:
    """Call services about requests that are due: after a failure, or because a message or a worker was lost."""
    due = Task.objects.filter(status=Status.CREATED, due__lte=timezone.now()).order_by("due")
    for reference in list(due.values_list("pk", flat=True)[:MOST_DUE]):
        call(str(reference))


@shared_task(ignore_result=True)
def prune() -> None:
    """Forget requests decided long ago, and mails in the folder that stands in for a mail server."""
    limit = timezone.now() - timedelta(days=KEEP_DAYS)
    ended = Task.objects.exclude(status=Status.CREATED).filter(updated__lt=limit).delete()[0]
    folder, oldest = Path(settings.EMAIL_FILE_PATH), time.time() - KEEP_MAILS_DAYS * 86400
    for one in folder.glob("*.log") if folder.is_dir() else ():
        if one.stat().st_mtime < oldest:
            one.unlink(missing_ok=True)
    log.info("workflows.pruned", tasks=ended)


def _mailed(reference: str, send: Callable[[Task], int]) -> None:
    task = Task.objects.select_related("organisation", "requester").filter(pk=reference).first()
    if task is None:
        return
    try:
        sent = send(task)
    except (smtplib.SMTPException, OSError) as error:
        log.warning("workflows.mail_failed", task=reference, reason=str(error))
    else:
        log.info("workflows.mailed", task=reference, mails=sent)
