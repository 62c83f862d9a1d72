"""The clock of a gateway process in a test's hand: `time.time` there reads a file, so that no test waits for a window's end."""

from __future__ import annotations

from pathlib import Path

from tests.gateway.process import ROOT

SITE = """
import os, time
real = time.time
def moved():
    try:
        shift, _, moment = open(os.environ["CLOCK_FILE"]).read().partition("=")
        return float(moment) if moment else real() + float(shift or 0)
    except OSError:
        return real()
time.time = moved
"""


class Clock:
    """`settings` are those of a gateway that goes by it; until it is set, that one's time is the real one."""

    def __init__(self, folder: Path) -> None:
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(SITE)
        self._file = folder / "clock"
        self.settings = {"PYTHONPATH": f"{folder / 'site'}:{ROOT}", "CLOCK_FILE": str(self._file)}

    def shift(self, seconds: float) -> None:
        """It goes on, so many seconds from the real one."""
        self._write(f"{seconds}")

    def stand(self, moment: float) -> None:
        """It stands still at `moment` (Unix seconds)."""
        self._write(f"={moment}")

    def _write(self, text: str) -> None:
        whole = self._file.with_suffix(".new")
        whole.write_text(text)
        whole.replace(self._file)
