"""Counts of request messages by month, as the original's transaction counter keeps them (reference 7.3).

Nothing is done per message: what the metrics counted anyway is added to the month from time to time.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from integrator.engine.metrics import requests_total

MOST_MONTHS = 240
UPDATE_S = 120.0
"""Seconds between two writings; what came after the last is lost when the process is killed."""


class Transactions:
    """Months like 2026-11 and their counts, in one small file."""

    def __init__(self, file: Path):
        self.file = file
        self.months: dict[str, int] = {}
        self._seen = 0

    def open(self) -> None:
        """Read what was counted before; what this process served until now counts from here."""
        self._seen = requests_total()
        try:
            held = json.loads(self.file.read_text("utf-8"))
            self.months = {str(month): int(count) for month, count in held.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            self.months = {}

    def update(self) -> None:
        """Add what was served since the last look to the month that is now, and write it."""
        total = requests_total()
        new, self._seen = total - self._seen, total
        if new <= 0:
            return
        month = datetime.now(UTC).strftime("%Y-%m")
        self.months[month] = self.months.get(month, 0) + new
        for old in sorted(self.months)[:-MOST_MONTHS]:
            del self.months[old]
        self.file.parent.mkdir(parents=True, exist_ok=True)
        scratch = self.file.with_suffix(".new")
        scratch.write_text(json.dumps(self.months), "utf-8")
        scratch.replace(self.file)

    def count(self, year: int, month: int) -> int:
        """Requests of one month."""
        return self.months.get(f"{year:04}-{month:02}", 0)
