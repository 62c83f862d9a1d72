"""Background chores of the event hub, run by Celery beat (see `beat.py`)."""

from __future__ import annotations

import structlog
from celery import shared_task

from apim.eventhub.prune import prune_events
from apim.eventhub.queries import prune_gone

log = structlog.get_logger(__name__)


@shared_task(ignore_result=True)
def prune() -> None:
    """Delete old changes and forget gateways that went away."""
    log.info("eventhub.pruned", events=prune_events(), gateways=prune_gone())
