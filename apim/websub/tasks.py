"""The hub's work for Celery. The database says what is to be done; a task only says that now is a good time."""

from __future__ import annotations

from datetime import timedelta

import structlog
from celery import shared_task
from django.db.models import Q
from django.utils import timezone

from apim.websub import deliver as work
from apim.websub import queue
from apim.websub.models import Delivery, Event, Outcome, State, Subscription, Usage

log = structlog.get_logger(__name__)

MOST_DUE = 500
KEEP_DAYS = 3
"""How long ended deliveries can be looked at."""

KEEP_WINDOWS_DAYS = 400


@shared_task(ignore_result=True)
def deliver(ids: list[int]) -> None:
    """Send deliveries that are due."""
    for one in ids:
        work.send(one)


@shared_task(ignore_result=True)
def verify(ids: list[str]) -> None:
    """Ask callbacks for their consent."""
    for one in ids:
        work.ask(one)


@shared_task(ignore_result=True)
def sweep() -> None:
    """Queue what is due: attempts after a back-off, and what a lost task or a dead worker left behind."""
    now = timezone.now()
    free = Q(claimed__isnull=True) | Q(claimed__lt=now)
    due = Delivery.objects.filter(free, outcome=Outcome.PENDING, due__lte=now).order_by("due")
    queue.deliver(list(due.values_list("pk", flat=True)[:MOST_DUE]))
    asked = Subscription.objects.exclude(asked="").filter(due__lte=now)
    queue.verify(list(asked.values_list("pk", flat=True)[:MOST_DUE]))


@shared_task(ignore_result=True)
def prune() -> None:
    """Forget subscriptions whose lease ended, ended deliveries after a while, and events nobody waits for."""
    now = timezone.now()
    ended = Subscription.objects.filter(expires__lt=now, asked="").delete()[0]
    Subscription.objects.filter(state=State.DENIED, created__lt=now - timedelta(days=KEEP_DAYS)).delete()
    old = Event.objects.filter(at__lt=now - timedelta(days=KEEP_DAYS))
    events = old.exclude(deliveries__outcome=Outcome.PENDING).delete()[0]
    limit = int((now - timedelta(days=KEEP_WINDOWS_DAYS)).timestamp())
    Usage.objects.filter(window__gt=0, window__lt=limit).delete()
    log.info("websub.pruned", leases=ended, events=events)
