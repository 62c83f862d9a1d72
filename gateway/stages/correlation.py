"""The correlation id of a call: the caller's `activityid` header, or one made here."""

from __future__ import annotations

import re
from functools import cache
from itertools import count
from os import getpid
from random import SystemRandom

from wire.exchange import Exchange

HEADER = b"activityid"
_number = count(1)


@cache
def _process(pid: int) -> bytes:
    """Tells the ids of this process from those of all others. Asked for by process, because workers are forked."""
    return b"%016x" % SystemRandom().getrandbits(64)


def _own() -> bytes:
    return _process(getpid())


_usable = re.compile(rb"[\w.:/+=@-]{1,128}").fullmatch


def of(exchange: Exchange) -> bytes:
    """The id under which this call is logged, answered and passed on. Unusable ones are replaced, not echoed."""
    given = exchange.fields.get(HEADER)
    if given is not None and _usable(given):
        return given
    return b"%b%016x" % (_own(), next(_number))
