"""The audit trail as CSV or JSON lines: streamed row by row, at most MOST of them, newest first."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from apim.accounts.models import AuditRow

MOST = 100_000
CHUNK = 1000
COLUMNS = (
    "at", "organisation", "actor", "action", "target_kind", "target_id", "target_name", "before", "after", "correlation_id",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def exported(rows: QuerySet[AuditRow], form: str) -> StreamingHttpResponse:
    """A download of `rows`; `form` is `csv` or `jsonl`. The header X-Truncated says whether there were more than MOST."""
    found = rows.select_related("organisation").order_by("-id")
    lines = as_csv(found) if form == "csv" else as_lines(found)
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/x-ndjson"
    answer = StreamingHttpResponse(lines, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="audit.{form}"'
    answer["Cache-Control"] = "no-store"
    answer["X-Truncated"] = "true" if found[MOST : MOST + 1].exists() else "false"
    return answer


def as_csv(rows: QuerySet[AuditRow]) -> Iterator[str]:
    """A line of names, then a line each. Cells that a spreadsheet would take for formulas begin with an apostrophe."""
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for row in _read(rows):
        yield writer.writerow(_cell(row[name]) for name in COLUMNS)


def as_lines(rows: QuerySet[AuditRow]) -> Iterator[str]:
    """A JSON object each."""
    for row in _read(rows):
        yield json.dumps(row, ensure_ascii=False, default=str) + "\n"


def _read(rows: QuerySet[AuditRow]) -> Iterator[dict[str, Any]]:
    for row in rows[:MOST].iterator(CHUNK):
        yield {
            **{name: getattr(row, name) for name in COLUMNS},
            "at": row.at.isoformat(),
            "organisation": row.organisation.domain,
        }


def _cell(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text


class _Line:
    """A file that gives back what is written."""

    def write(self, line: str) -> str:
        """The line."""
        return line
