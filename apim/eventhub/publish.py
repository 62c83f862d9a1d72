"""How a change is told to the gateways: called by actions, inside their transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import redis
import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from redis.backoff import NoBackoff
from redis.retry import Retry

from apim.eventhub.models import Counter, Current, Event
from gateway.schema import RECORDS, Kind, Record

log = structlog.get_logger(__name__)
HINT_CHANNEL = "apim:hints"
REDIS_PATIENCE = 0.5
"""Seconds a committed action waits at most to connect, and again to send, when Redis does not answer."""

_redis: dict[str, redis.Redis] = {}


@dataclass(frozen=True)
class Change:
    """The newest record of (kind, key); None deletes it. `environment` empty: for every gateway."""

    kind: Kind
    key: str
    record: Record | None
    organisation: str = ""
    environment: str = ""


def publish(kind: Kind, key: str, record: Record | None, *, organisation: str = "", environment: str = "") -> int:
    """Append one change and return its sequence number. `record` None deletes (kind, key).

    Must run inside a transaction: the number becomes visible with the change itself, in order, or not at all. The
    number's lock is held until the commit, so publish as the last step of an action: other writers wait behind it.
    Raises TypeError when the record is not of its kind.
    """
    return publish_all([Change(kind, key, record, organisation, environment)])


def publish_all(changes: Sequence[Change]) -> int:
    """Append several changes, at one look at the counter, and return the last sequence number. Else as `publish`."""
    for change in changes:
        _check(change)
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(f"{len(changes)} changes published outside a transaction")
    mark = secrets.token_hex(8)
    last = _take(len(changes), mark)
    rows = [_event(last - len(changes) + n, change, mark) for n, change in enumerate(changes, 1)]
    Event.objects.bulk_create(rows, batch_size=1000)
    _update_current({(row.kind, row.key): row for row in rows})
    _hint_on_commit(last)
    return last


def take_turn() -> None:
    """Wait for the turn to publish, before any other row is locked; ours until the transaction ends.

    An action that locks rows and then publishes would otherwise deadlock with one that publishes and then locks the
    same rows (a life-cycle step ends subscriptions while somebody changes the plan of one).
    """
    if not Counter.objects.select_for_update().filter(pk=1).exists():
        Counter.objects.get_or_create(pk=1)
        Counter.objects.select_for_update().get(pk=1)


def _check(change: Change) -> None:
    if change.record is not None and not isinstance(change.record, RECORDS[change.kind]):
        raise TypeError(f"{change.kind} takes {RECORDS[change.kind].__name__}, not {type(change.record).__name__}")


def _event(sequence: int, change: Change, mark: str) -> Event:
    text = "" if change.record is None else msgspec.json.encode(change.record).decode()
    return Event(
        sequence=sequence,
        kind=change.kind,
        key=change.key,
        record=text,
        organisation=change.organisation,
        environment=change.environment,
        mark=mark,
    )


def _take(count: int, mark: str) -> int:
    """Reserve `count` numbers and return the last. The update locks the row, which puts commits in order."""
    if not Counter.objects.filter(pk=1).update(last=F("last") + count, mark=mark):
        Counter.objects.get_or_create(pk=1)
        Counter.objects.filter(pk=1).update(last=F("last") + count, mark=mark)
    return Counter.objects.values_list("last", flat=True).get(pk=1)


def _update_current(newest: dict[tuple[str, str], Event]) -> None:
    kept = [
        Current(
            kind=e.kind,
            key=e.key,
            sequence=e.sequence,
            organisation=e.organisation,
            environment=e.environment,
            record=e.record,
        )
        for e in newest.values()
        if e.record
    ]
    for event in newest.values():
        if not event.record:
            Current.objects.filter(kind=event.kind, key=event.key).delete()
    Current.objects.bulk_create(
        kept,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["kind", "key"],
        update_fields=["sequence", "organisation", "environment", "record"],
    )


class _Hint:
    """One message per commit, however many changes were in it."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence

    def __call__(self) -> None:
        """Only a hint: a gateway that misses it finds out at its next poll."""
        try:
            _client().publish(HINT_CHANNEL, str(self.sequence))
        except redis.RedisError as error:
            log.warning("eventhub.hint_lost", sequence=self.sequence, reason=str(error))


def _hint_on_commit(sequence: int) -> None:
    # A hint of a savepoint that was rolled back is no longer in this list, so a later change brings its own.
    for _, function, *_ in connection.run_on_commit:
        if isinstance(function, _Hint):
            function.sequence = sequence
            return
    transaction.on_commit(_Hint(sequence))


def _client() -> redis.Redis:
    url = settings.APIM.redis
    if url not in _redis:
        patience = {"socket_timeout": REDIS_PATIENCE, "socket_connect_timeout": REDIS_PATIENCE}
        _redis[url] = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 1), **patience)
    return _redis[url]
