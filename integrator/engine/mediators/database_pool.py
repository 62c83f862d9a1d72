"""The connection of dblookup and dbreport: a pool by driver and URL, or a data source by name (reference 3.4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from integrator.engine.databases import DatabaseUrlError, Source
from integrator.engine.errors import Fault
from integrator.engine.expressions import Constant, Expression
from integrator.engine.mediators.base import Element, Reader
from integrator.engine.mediators.secured import EntryText, text_or_secret
from integrator.engine.message import Message
from integrator.engine.xmltools import child, children, local, text_of

ISOLATIONS = {
    f"Connection.TRANSACTION_{name.replace(' ', '_')}": name
    for name in ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
} | {"Connection.TRANSACTION_NONE": ""}
OPTIONS = (
    "autocommit",
    "isolation",
    "initialsize",
    "maxactive",
    "maxidle",
    "maxopenstatements",
    "maxwait",
    "minidle",
    "poolstatements",
    "testonborrow",
    "testonreturn",
    "testwhileidle",
    "validationquery",
)
MOST_CONNECTIONS = 100


@dataclass(frozen=True)
class Pool:
    """Where statements run. `parts` are those of `source` that are known only when they are needed: keys and secrets."""

    source: Source | None
    data_source: str
    parts: tuple[tuple[str, Expression], ...]
    autocommit: bool

    def of(self, message: Message) -> Source:
        """The database. Raises Fault naming what is missing."""
        if self.source is None:
            found = message.deployment.data_source(self.data_source)
            if found is None:
                raise Fault(0, f"data source {self.data_source!r} is not defined")
            return found
        if not self.parts:
            return self.source
        given: dict[str, Any] = {name: value.string(message) or "" for name, value in self.parts}
        return replace(self.source, **given)


def read_pool(pool: Element, reader: Reader) -> Pool:
    """Read a pool element. Raises DeploymentError for an unknown URL or option."""
    options = read_options(pool, reader)
    autocommit = options.get("autocommit", "true").lower() != "false"
    name = text_of(child(pool, "dsName"))
    if name:
        return Pool(None, name, (), autocommit)
    values: dict[str, Any] = {}
    later: list[tuple[str, Expression]] = []
    for part, field in (("url", "url"), ("user", "username"), ("password", "password")):
        item = child(pool, part)
        key = item.get("key") if item is not None else None
        text = EntryText(key) if key else text_or_secret(pool if item is None else item, text_of(item), reader)
        if not isinstance(text, Constant):
            later.append((field, text))
        values[field] = text.text if isinstance(text, Constant) else ""
    source = Source(
        **values,
        pool_size=max(1, min(MOST_CONNECTIONS, _number(pool, options, "maxactive", 10, reader))),
        wait_s=max(1, _number(pool, options, "maxwait", 30_000, reader)) / 1000,
        isolation=ISOLATIONS[options["isolation"]] if "isolation" in options else "",
    )
    if not any(field == "url" for field, _ in later):
        try:
            source.parts()
        except DatabaseUrlError as error:
            raise reader.fail(pool, str(error)) from error
    return Pool(source, "", tuple(later), autocommit)


def read_options(pool: Element, reader: Reader) -> dict[str, str]:
    """The property children. Raises DeploymentError for one that is not known."""
    found = {}
    for item in children(pool):
        if local(item) != "property":
            continue
        name = reader.choice(item, "name", OPTIONS, reader.required(item, "name"))
        found[name] = (
            reader.choice(item, "value", tuple(ISOLATIONS), "") if name == "isolation" else item.get("value") or ""
        )
    return found


def _number(pool: Element, options: dict[str, str], name: str, default: int, reader: Reader) -> int:
    value = reader.integer(pool, options.get(name), f"property {name}", default)
    return default if value < 0 else value
