"""The correlation id of a call: the caller's `activityid` header, or one made here."""

from __future__ import annotations

import re
from itertools import count
from os import register_at_fork
from random import SystemRandom

from wire.exchange import Exchange

HEADER = b"activityid"
_number = count(1)


class _Process:
    """Tells the ids of this process from those of all others; a forked worker is another process."""

    own = b""

    @classmethod
    def begin(cls) -> None:
        """Takes a name of its own."""
        cls.own = b"%016x" % SystemRandom().getrandbits(64)


_Process.begin()
register_at_fork(after_in_child=_Process.begin)


_usable = re.compile(rb"[\w.:/+=@-]{1,128}").fullmatch


def of(exchange: Exchange) -> bytes:
    """The id under which this call is logged, answered and passed on. Unusable ones are replaced, not echoed."""
    given = exchange.fields.get(HEADER)
    if given is not None and _usable(given):
        return given
    return b"%b%016x" % (_Process.own, next(_number))
