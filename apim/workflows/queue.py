"""Hands work to Celery once the transaction is committed. A lost message loses a mail at most: calls of services are swept."""

from __future__ import annotations

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from apim.workflows.models import Task

log = structlog.get_logger(__name__)


def after_commit(work: str, task: Task) -> None:
    """Have `apim.workflows.tasks.<work>` done for `task`."""
    reference = str(task.pk)
    transaction.on_commit(lambda: send(work, reference))


def send(work: str, reference: str) -> None:
    """Have it done now."""
    try:
        current_app.send_task(f"apim.workflows.tasks.{work}", [reference], ignore_result=True, retry=False)
    except OperationalError as error:
        log.warning("workflows.not_queued", work=work, task=reference, reason=str(error))
