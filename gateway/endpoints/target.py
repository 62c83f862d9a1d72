"""What every backend offers: a call handed over to it, or its answer fetched whole."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import lru_cache
from typing import Protocol

from gateway.call import Call
from gateway.faults import Fault
from gateway.message import Answer
from wire.forward import DROPPED
from wire.heads import Header, block

ANSWER_LIMIT = 10 * 1024 * 1024
"""Bytes of an answer that is fetched whole."""

Outcome = bool | Awaitable[bool | None] | None


class Failed(Exception):
    """No answer came. `fault` is for the caller, `cause` for our log."""

    def __init__(self, fault: Fault, cause: str) -> None:
        self.fault = fault
        self.cause = cause
        super().__init__(cause)


@lru_cache(maxsize=1000)
def _drops(headers: tuple[str, ...]) -> frozenset[bytes]:
    """What is not shown besides what never is. Most APIs hide the same headers, so that thousands share one set."""
    hidden = {header.lower().encode() for header in headers}
    # Many a backend cannot tell underscores from dashes.
    hidden |= {header.replace(b"-", b"_") for header in hidden}
    return DROPPED | hidden | {b"activityid"}


class Shape:
    """What the requests of one API have in common: the headers its backends are not shown, and its endpoint's name in faults."""

    __slots__ = ("_hiding", "drops", "name")

    def __init__(self, name: str, *headers: str) -> None:
        self.name = name
        self.drops = _drops(headers)
        self._hiding: dict[frozenset[bytes], frozenset[bytes]] = {}

    def named(self, name: str) -> Shape:
        """The same for another endpoint of the API."""
        other = Shape(name)
        other.drops = self.drops
        return other

    def hiding(self, names: frozenset[bytes]) -> frozenset[bytes]:
        """`drops` and these."""
        found = self._hiding.get(names)
        if found is None:
            found = self._hiding[names] = self.drops | names
        return found

    def lines(self, call: Call) -> bytes:
        """The header lines every backend gets: correlation, the caller's address and scheme, and what stages added."""
        return b"activityid: %b\r\n%b%b" % (call.correlation, call.exchange.forwarded, call.request_lines)


class Target(Protocol):
    """A backend of an API."""

    def relay(self, call: Call, shape: Shape) -> Outcome:
        """Answers the call, now or when the awaitable is done."""

    async def fetch(self, call: Call, shape: Shape, limit: int = ANSWER_LIMIT) -> Answer:
        """The answer, whole. Raises Failed when there is none or it is longer than `limit` bytes."""


def below(base: bytes, target: bytes) -> bytes:
    """The request target at a backend whose path is `base`."""
    return base + target if target[:1] == b"/" or base else b"/" + target


def headers_of(lines: bytes) -> list[Header]:
    """Header lines as name and value."""
    found = []
    for line in lines.split(b"\r\n"):
        name, colon, value = line.partition(b": ")
        if colon:
            found.append((name, value))
    return found


def deliver(call: Call, answer: Answer) -> bool:
    """Sends `answer` to the caller, which ends the call. Headers that would break out of their line raise ValueError."""
    if call.exchange.lost:
        call.finished(499)
        return True
    drops = call.answer_drops
    kept = [pair for pair in answer.headers if pair[0] not in drops and pair[0] not in _OURS]
    if call.exchange.method == b"HEAD" and not answer.body:  # how long the body would be is not known: no length, not 0
        call.exchange.start(answer.status, [*kept, *headers_of(call.answer_lines)])
        call.exchange.finish()
    else:
        call.exchange.respond_block(answer.status, block(kept) + call.answer_lines, answer.body)
    call.done(answer.status, len(answer.body))
    return True


_OURS = frozenset({b"content-length", b"date"})
"""Headers of a whole answer that we write ourselves."""
