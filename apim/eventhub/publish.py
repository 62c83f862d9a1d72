"""How a change is told to the gateways: called by actions, inside their transaction."""

from __future__ import annotations

import msgspec
import redis
import structlog
from django.conf import settings
from django.db import transaction

from apim.eventhub.models import Counter, Current, Event
from gateway.schema import RECORDS, Kind, Record

log = structlog.get_logger(__name__)
HINT_CHANNEL = "apim:hints"
_redis: dict[str, redis.Redis] = {}


def publish(kind: Kind, key: str, record: Record | None, *, organisation: str = "", environment: str = "") -> int:
    """Append one change and return its sequence number. `record` None deletes (kind, key).

    Must run inside a transaction: the number becomes visible with the change itself, in order, or not at all.
    Raises TypeError when the record is not of its kind.
    """
    if record is not None and not isinstance(record, RECORDS[kind]):
        raise TypeError(f"{kind} takes {RECORDS[kind].__name__}, not {type(record).__name__}")
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(f"publish({kind!r}, {key!r}) outside a transaction")
    sequence = _next()
    text = msgspec.json.encode(record).decode() if record is not None else ""
    where = {"organisation": organisation, "environment": environment}
    Event.objects.create(sequence=sequence, kind=kind, key=key, record=text, **where)
    if record is None:
        Current.objects.filter(kind=kind, key=key).delete()
    else:
        values = {"sequence": sequence, "record": text, **where}
        Current.objects.update_or_create(kind=kind, key=key, defaults=values)
    transaction.on_commit(lambda: _hint(sequence))
    return sequence


def _next() -> int:
    counter, _ = Counter.objects.select_for_update().get_or_create(pk=1)
    counter.last += 1
    counter.save(update_fields=["last"])
    return counter.last


def _hint(sequence: int) -> None:
    """Only a hint: a gateway that misses it finds out at its next poll."""
    try:
        _client().publish(HINT_CHANNEL, str(sequence))
    except redis.RedisError as error:
        log.warning("eventhub.hint_lost", sequence=sequence, reason=str(error))


def _client() -> redis.Redis:
    url = settings.APIM.redis
    if url not in _redis:
        _redis[url] = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
    return _redis[url]
