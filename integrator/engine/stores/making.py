"""Makes the stores that a home's artifacts describe; one that did not change stays the same object."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from integrator.engine.databases import Source
from integrator.engine.scripting import classes
from integrator.engine.stores.base import Store, StoreError
from integrator.engine.stores.custom import METHODS, CustomStore
from integrator.engine.stores.definition import CUSTOM, JDBC, MEMORY, StoreDefinition
from integrator.engine.stores.jdbc import TABLE, JdbcStore, ResequenceStore

if TYPE_CHECKING:
    from integrator.engine.runtime import Runtime

log = logging.getLogger("integrator.deployment")


class Makers:
    """Stores of one process by name."""

    def __init__(self, runtime: Runtime, home: Path, source: Callable[[str], Source | None]):
        self._runtime = runtime
        self._home = home
        self._source = source
        self._made: dict[str, tuple[StoreDefinition, dict[str, str], Store]] = {}

    def store(
        self, definition: StoreDefinition, entries: Callable[[str], str | None], packages: Iterable[str]
    ) -> Store:
        """The store of a definition; `entries` reads parameters given by key. Raises StoreError, ClassProblem."""
        if definition.kind == MEMORY:
            return self._runtime.store(definition.name)
        values = definition.values | {name: entries(key) or "" for name, key in definition.keys}
        held = self._made.get(definition.name)
        if held is not None and held[:2] == (definition, values):
            return held[2]
        made = self._make(definition, values, packages)
        self._made[definition.name] = (definition, values, made)
        return made

    def _make(self, definition: StoreDefinition, values: dict[str, str], packages: Iterable[str]) -> Store:
        name, runtime = definition.name, self._runtime
        if definition.kind == CUSTOM:
            kind = classes.load(self._home, packages, definition.implementation, METHODS)
            return CustomStore(name, runtime, classes.make(kind, dict(values)))
        table = values.get("store.jdbc.table") or TABLE
        source = self._source_of(name, values)
        if definition.kind == JDBC:
            return JdbcStore(name, runtime, source, table)
        return ResequenceStore(name, runtime, source, table, int(values.get("store.resequence.timeout") or -1))

    def _source_of(self, store: str, values: dict[str, str]) -> Callable[[], Source]:
        known = values.get("store.jdbc.dsName")
        if not known:
            url, user = values.get("store.jdbc.connection.url", ""), values.get("store.jdbc.username", "")
            own = Source(url, user, values.get("store.jdbc.password", ""))
            return lambda: own

        def find() -> Source:
            found = self._source(known)
            if found is None:
                raise StoreError(f"store {store!r}: data source {known!r} is not there")
            return found

        return find
