"""How many generators run at a time on this machine, whoever started them: locks on files, which end with their holder."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings

from apim.errors import ApimError

SLOTS = 2
WAIT = 20.0
"""Seconds that one waits for a free slot."""


class Busy(ApimError):
    """Too many at a time."""

    status, code, message = 503, 900503, "Service Unavailable"


@contextmanager
def slot() -> Iterator[None]:
    """Hold one of SLOTS. Raises Busy when none becomes free in time."""
    folder = settings.APIM.var / "cache" / "sdk"
    folder.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + WAIT
    held = _free(folder)
    while held is None:
        if time.monotonic() > until:
            raise Busy(f"{SLOTS} clients are being generated already: try again soon.")
        time.sleep(0.1)
        held = _free(folder)
    with held:
        yield


def _free(folder: Path) -> IO[bytes] | None:
    for number in range(SLOTS):
        file = (folder / f"slot-{number}").open("wb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
        else:
            return file
    return None
