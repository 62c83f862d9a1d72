"""Free TCP ports for servers that tests start.

All lie below those that the system gives to outgoing connections (32768 and up on Linux): such a port may be taken by any
connection of any process between the moment it is found free and the moment the server listens there. Processes of one test
run (pytest-xdist's workers) draw from lists of their own, and none draws the same again before its list is through.
"""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator

PORTS = range(20_000, 32_000)
OFFSETS = range(2_000, 10_700)
"""Added to ports from 8000 to 9300: what comes out lies below PORTS."""

PROCESSES = 8


def free_port() -> int:
    """A port nobody listens on right now."""
    return next(port for port in _ports if _free(port))


def free_offset(*bases: int) -> int:
    """A port offset under which all of `bases` (8000 to 9300) are free right now."""
    return next(offset for offset in _offsets if all(_free(base + offset) for base in bases))


def _drawn(numbers: range) -> Iterator[int]:
    """This process's share of `numbers` again and again, in an order by chance."""
    own = list(numbers[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % PROCESSES :: PROCESSES])
    while True:
        random.SystemRandom().shuffle(own)
        yield from own


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_ports, _offsets = _drawn(PORTS), _drawn(OFFSETS)
