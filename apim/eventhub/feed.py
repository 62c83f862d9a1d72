"""Reads the outbox for a data plane: the changes after a number, or everything there is."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from django.db.models import Q

from apim.eventhub.models import Counter, Current, Event
from gateway import schema

BATCH = 5000
"""Most events in one delta answer."""

CHUNK = 500
"""Records that a snapshot holds in memory at a time."""

_FIELDS = ("sequence", "kind", "key", "organisation", "environment", "record")
_Row = tuple[int, str, str, str, str, str]


def last_sequence() -> int:
    """Number of the newest change."""
    return Counter.objects.filter(pk=1).values_list("last", flat=True).first() or 0


def newest_change() -> tuple[int, str]:
    """Number and mark of the newest change."""
    return Counter.objects.filter(pk=1).values_list("last", "mark").first() or (0, "")


def _mark(sequence: int) -> str | None:
    return Event.objects.filter(sequence=sequence).values_list("mark", flat=True).first()


def delta(after: int, environment: str, mark: str = "") -> schema.Batch | None:
    """The next changes after `after`; None when they are no longer all here, so that a snapshot is due.

    Numbers have no gaps (a rolled-back change gives its number back), so a missing first one means it was pruned. With `mark`,
    that of the caller's last change, None also when change `after` has another one here: it came from another database.
    """
    newest, newest_mark = newest_change()
    if not 0 < after <= newest:
        return None
    if mark and mark != (newest_mark if after == newest else _mark(after)):
        return None
    window = list(Event.objects.filter(sequence__gt=after).order_by("sequence").values_list(*_FIELDS)[: BATCH + 1])
    if not window:
        return schema.Batch(sequence=after, events=[], mark=newest_mark) if newest == after else None
    if window[0][0] != after + 1:
        return None
    page = window[:BATCH]
    events = [_event(row) for row in page if row[4] in ("", environment)]
    return schema.Batch(page[-1][0], events, more=len(window) > BATCH, mark=_mark(page[-1][0]) or "")


def snapshot(environment: str) -> Iterator[bytes]:
    """The JSON of a `schema.Batch` with every current record, piece by piece.

    The number is read first: a change in between is sent twice, never lost.
    """
    newest, mark = newest_change()
    yield b'{"sequence":%d,"snapshot":true,"mark":"%b","events":[' % (newest, mark.encode())
    rows = Current.objects.filter(Q(environment="") | Q(environment=environment)).order_by("sequence")
    piece: list[bytes] = []
    comma = b""
    for row in rows.values_list(*_FIELDS).iterator(chunk_size=CHUNK):
        piece.append(msgspec.json.encode(_event(row)))
        if len(piece) == CHUNK:
            yield comma + b",".join(piece)
            piece, comma = [], b","
    yield (comma + b",".join(piece) if piece else b"") + b"]}"


def _event(row: _Row) -> schema.Event:
    sequence, kind, key, organisation, environment, record = row
    raw = msgspec.Raw(record.encode()) if record else schema.DELETED
    return schema.Event(sequence, kind, key, organisation, environment, raw)
