"""The table of operations as parallel lists of fields: one row per operation, some empty rows for new ones."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from apim.errors import ApimError

COLUMNS = ("verb", "target", "auth", "policy", "scopes")
EMPTY_ROWS = 3
_PLACE = re.compile(r"^operations\[(\d+)\](?:\.([a-z]+))?")


@dataclass
class Row:
    """One row as shown: texts, whether it is to go, and what is wrong with it."""

    verb: str = "GET"
    target: str = ""
    auth: str = "any"
    policy: str = "Unlimited"
    scopes: str = ""
    remove: bool = False
    errors: list[str] = field(default_factory=list)

    def operation(self) -> dict[str, Any]:
        """The operation as the action takes it."""
        scopes = [scope for scope in re.split(r"[\s,]+", self.scopes) if scope]
        return {
            "verb": self.verb,
            "target": self.target.strip(),
            "auth": self.auth,
            "policy": self.policy,
            "scopes": scopes,
        }


def rows_of(operations: list[dict[str, Any]]) -> list[Row]:
    """The rows of an API, with empty ones at the end."""
    known = [{name: operation[name] for name in COLUMNS} for operation in operations]
    return [Row(**{**operation, "scopes": " ".join(operation["scopes"])}) for operation in known] + spare()


def spare() -> list[Row]:
    """Empty rows for new operations."""
    return [Row() for _ in range(EMPTY_ROWS)]


def rows_from(data: QueryDict) -> list[Row]:
    """The rows as sent. Lists of different lengths are cut to the shortest."""
    removed = set(data.getlist("remove"))
    columns = [data.getlist(name) for name in COLUMNS]
    return [
        Row(**dict(zip(COLUMNS, texts, strict=True)), remove=str(n) in removed)
        for n, texts in enumerate(zip(*columns, strict=False))
    ]


def kept(rows: list[Row]) -> list[Row]:
    """Those that become operations."""
    return [row for row in rows if row.target.strip() and not row.remove]


def show_errors(rows: list[Row], error: ApimError) -> list[str]:
    """Put the mistakes of `error` on their rows; returns those that belong to no row."""
    sent, others = kept(rows), []
    for wrong in error.fields:
        place = _PLACE.match(wrong.field)
        if place and int(place[1]) < len(sent):
            sent[int(place[1])].errors.append(wrong.message)
        else:
            others.append(f"{wrong.field}: {wrong.message}")
    return others if error.fields else [error.description]
