"""Lets control plane, worker and beat load their code while `bootstrap` still works on the tables, and serve after it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from apim.config import config

EVERY = 0.05
LONGEST = 600.0


def marker() -> Path:
    """The file that says that the installation is prepared."""
    return config.var / "bootstrapped"


def engage() -> None:
    """Make those that are told `APIM_HOLD=1` wait from now on."""
    marker().unlink(missing_ok=True)


def release() -> None:
    """Let them go on."""
    marker().touch()


def wait(wanted: Callable[[], bool] = lambda: True) -> None:
    """Return when the installation is prepared or nobody is `wanted` any more; at once without `APIM_HOLD=1`.

    Raises SystemExit after ten minutes.
    """
    deadline = time.monotonic() + LONGEST
    while os.environ.get("APIM_HOLD") == "1" and wanted() and not marker().exists():
        if time.monotonic() > deadline:
            raise SystemExit("The bootstrap has not finished within ten minutes.")
        time.sleep(EVERY)
