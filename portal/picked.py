"""Part of a long list: first the keys of its rows, then those rows alone, so that nothing is worked out for the others."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet


class Picked:
    """A queryset that is read slice by slice, for lists whose rows carry averages and numbers; two queries a slice."""

    def __init__(self, rows: QuerySet[Any]) -> None:
        self._rows = rows

    def count(self) -> int:
        """How many there are."""
        return self._rows.count()

    def __len__(self) -> int:
        """The same."""
        return self.count()

    def __getitem__(self, part: slice) -> list[Any]:
        """The rows of a slice, in their order."""
        keys = list(self._rows.values_list("pk", flat=True)[part])
        found = {row.pk: row for row in self._rows.order_by().filter(pk__in=keys)} if keys else {}
        return [found[key] for key in keys if key in found]
