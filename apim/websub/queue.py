"""Hands work to Celery. When that fails nothing is lost: the rows are there, and `tasks.sweep` finds what is due."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

CHUNK = 20
"""Deliveries of one task: they go out one after the other."""


def deliver(ids: Sequence[int]) -> None:
    """Have these deliveries sent."""
    _send("apim.websub.tasks.deliver", [list(ids[at : at + CHUNK]) for at in range(0, len(ids), CHUNK)])


def verify(ids: Sequence[UUID]) -> None:
    """Have these subscriptions' callbacks asked."""
    _send("apim.websub.tasks.verify", [[str(one)] for one in ids])


def _send(task: str, arguments: Sequence[list[object]]) -> None:
    try:
        for one in arguments:
            current_app.send_task(task, [one], ignore_result=True, retry=False)
    except OperationalError as error:
        log.warning("websub.not_queued", task=task, reason=str(error))
