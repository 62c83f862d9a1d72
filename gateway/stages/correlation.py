"""The correlation id of a call: the caller's `activityid` header, or one made here."""

from __future__ import annotations

import re
from binascii import hexlify
from random import getrandbits

from wire.exchange import Exchange

HEADER = b"activityid"
_usable = re.compile(rb"[\w.:/+=@-]{1,128}").fullmatch


def of(exchange: Exchange) -> bytes:
    """The id under which this call is logged, answered and passed on. Unusable ones are replaced, not echoed."""
    given = exchange.fields.get(HEADER)
    if given is not None and _usable(given):
        return given
    return hexlify(getrandbits(128).to_bytes(16, "big"))
