"""Keeps the outbox short: deltas are for gateways that were away briefly, all others take a snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from apim.eventhub.feed import last_sequence
from apim.eventhub.models import Current, Event
from gateway.schema import Kind

KEEP_DAYS = 7
"""Days that changes stay available as deltas."""

KEEP_ROWS = 200_000
"""Most changes kept, whatever their age."""

_CHUNK = 500


def prune_events(days: float = KEEP_DAYS, rows: int = KEEP_ROWS) -> int:
    """Delete changes older than `days` and all but the newest `rows`; how many they were.

    What is deleted is always a prefix of the sequence: age is turned into a number first.
    """
    old = Event.objects.filter(at__lt=timezone.now() - timedelta(days=days)).order_by("-sequence")
    by_age = old.values_list("sequence", flat=True).first() or 0
    return Event.objects.filter(sequence__lte=max(by_age, last_sequence() - rows)).delete()[0]


def forget(kind: Kind, keys: Iterable[str]) -> int:
    """Leave records out of future snapshots without telling gateways, which drop them by themselves (expired ones)."""
    wanted = list(keys)
    chunks = (wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK))
    return sum(Current.objects.filter(kind=kind, key__in=chunk).delete()[0] for chunk in chunks)
