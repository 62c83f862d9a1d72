"""An API as it was in a revision, or is now: what an archive is written from, in memory only."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from apim.errors import FieldError, Invalid, NotFound
from apim.traffic.models import Level, Policy
from publisher import snapshots
from publisher.checks.basics import shown
from publisher.models import Api, Operation, Revision

NOT_COLUMNS = ("name", "version", "context", "provider", "operations", "plans", "sources", "categories")


@dataclass(frozen=True)
class Design:
    """`api` has the columns and the operations of the revision; `revision` is None for the API as designed now."""

    api: Api
    snapshot: dict[str, Any]
    revision: Revision | None

    @property
    def folder(self) -> str:
        """The name of the archive's folder."""
        return f"{self.api.name}-{self.api.version}"


def read(api: Api, revision: Revision | None = None) -> Design:
    """The design of a revision, or the present one."""
    snapshot = dict(revision.snapshot) if revision is not None else snapshots.take(api)
    seen = copy.copy(api)
    for name, value in snapshot.items():
        if name not in NOT_COLUMNS and hasattr(Api, name):
            setattr(seen, name, value)
    if revision is not None:
        _lend(seen, "operations", [_operation(seen, n, one) for n, one in enumerate(snapshot["operations"])])
        _lend(seen, "plans", _plans(api, snapshot["plans"]))
    return Design(seen, snapshot, revision)


def chosen(api: Api, number: str = "", *, latest: bool = False) -> Revision | None:
    """The revision that is asked for by number, or the latest; None for the API as designed. Raises Invalid, NotFound."""
    if not number and not latest:
        return None
    found = api.revisions.order_by("-number")
    if number:
        plain = number.removeprefix("Revision").strip(" -")
        if not (plain.isascii() and plain.isdecimal() and len(plain) < 9):
            message = f"{shown(number)} is not the number of a revision."
            raise Invalid(f"revisionNumber: {message}", [FieldError("revisionNumber", message)])
        found = found.filter(number=int(plain))
    revision = found.first()
    if revision is None:
        raise NotFound(f"{api} has no revision {number}.".replace(" .", "."))
    return revision


def _operation(api: Api, position: int, one: dict[str, Any]) -> Operation:
    values = {name: value for name, value in one.items() if hasattr(Operation, name)}
    return Operation(api=api, position=position, **values)


def _plans(api: Api, names: list[str]) -> list[Policy]:
    rows = Policy.objects.filter(organisation=api.organisation_id, level=Level.SUBSCRIPTION, name__in=names)
    return sorted(rows, key=lambda row: names.index(row.name))


def _lend(api: Api, name: str, rows: list[Any]) -> None:
    """Make `api.<name>.all()` answer with `rows`, as after a prefetch."""
    found = getattr(api, name).all()
    found._result_cache, found._prefetch_done = rows, True
    cache = api.__dict__.setdefault("_prefetched_objects_cache", {})
    cache[name] = found
