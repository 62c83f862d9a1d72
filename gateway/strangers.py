"""Clients that look for APIs that do not exist: counted by address, told to the control plane with the next status."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.call import Call
from gateway.schema import Stranger

CALLS = 3
"""Calls without an API that make a client worth telling of: one or two are somebody's slip."""

MOST_CLIENTS = 1000
"""Clients remembered at a time; the one first seen makes room."""

MOST_TOLD = 50
"""Clients of one report."""

FORGOTTEN_AFTER = 600.0
"""Seconds after which calls too few to tell of are forgotten."""

_SECRET = re.compile(rb"auth|cookie|key|token|secret|password|credential|assertion|signature")
"""Headers of such names are not told."""


class Strangers:
    """One worker's memory. Costs calls of existing APIs nothing: only those that found none come here."""

    def __init__(self, address: Callable[[Call], str]) -> None:
        self._address = address
        self._first: dict[str, Stranger] = {}
        self._calls: dict[str, int] = {}

    def note(self, call: Call) -> None:
        """Count a call that found no API."""
        client = self._address(call)
        if client in self._first:
            self._calls[client] += 1
            return
        if len(self._first) >= MOST_CLIENTS:
            oldest = next(iter(self._first))
            del self._first[oldest], self._calls[oldest]
        self._first[client] = _stranger(client, call)
        self._calls[client] = 1

    def take(self, now: float) -> list[Stranger]:
        """Those to tell of, which are then forgotten; `now` in Unix seconds."""
        due = [client for client, calls in self._calls.items() if calls >= CALLS][:MOST_TOLD]
        told = [_counted(self._first[client], self._calls[client]) for client in due]
        old = [client for client, first in self._first.items() if now - first.at > FORGOTTEN_AFTER]
        for client in {*due, *old}:
            del self._first[client], self._calls[client]
        return told


def _stranger(client: str, call: Call) -> Stranger:
    exchange = call.exchange
    told = [
        f"{name.decode('latin-1')}={value.decode('latin-1')[:200]}"
        for name, value in list(exchange.headers)[:40]
        if not _SECRET.search(name)
    ]
    return Stranger(
        client=client[:60],
        at=call.now,
        method=_text(exchange.method, 20),
        path=_text(exchange.path, 500),
        message_id=_text(call.correlation, 80),
        headers=_clean(", ".join(told))[:2000],
    )


def _counted(first: Stranger, calls: int) -> Stranger:
    return Stranger(first.client, first.at, first.method, first.path, first.message_id, first.headers, calls)


def _text(raw: bytes, most: int) -> str:
    return _clean(raw.decode("latin-1"))[:most]


def _clean(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)
