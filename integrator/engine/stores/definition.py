"""Reads messageStore artifacts (reference 5.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from integrator.engine.expressions import Expression, compile_path
from integrator.engine.inject import InjectionError, inject
from integrator.engine.reader import Reader
from integrator.engine.xmltools import Element, children, local, text_of

MEMORY, JDBC, RESEQUENCE, CUSTOM = "memory", "jdbc", "resequence", "custom"
PACKAGE = "org.apache.synapse.message.store.impl"
KINDS = {
    "InMemoryStore": MEMORY,
    "InMemoryMessageStore": MEMORY,
    "JDBCMessageStore": JDBC,
    "ResequenceMessageStore": RESEQUENCE,
}
LATER = ("JmsStore", "JMSMessageStore", "RabbitMQStore")
SECRET = ("password", "secret")


@dataclass(frozen=True)
class StoreDefinition:
    """Name, class and parameters. `expressions` are parameters that are worked out for each message."""

    name: str
    implementation: str
    parameters: tuple[tuple[str, str], ...] = field(repr=False)
    kind: str = MEMORY
    keys: tuple[tuple[str, str], ...] = ()
    expressions: Mapping[str, Expression] = field(default_factory=dict, compare=False, repr=False)

    @property
    def values(self) -> dict[str, str]:
        """Parameters by name."""
        return dict(self.parameters)

    @property
    def shown(self) -> dict[str, str]:
        """Parameters as people may see them: passwords are masked."""
        return {
            name: "***" if any(word in name.lower() for word in SECRET) else value for name, value in self.parameters
        }

    @property
    def failover(self) -> str:
        """The store that takes messages while this one fails; empty when there is none."""
        values = self.values
        guaranteed = values.get("store.producer.guaranteed.delivery.enable", "").lower() == "true"
        return values.get("store.failover.message.store.name", "") if guaranteed else ""


def read_store(root: Element, reader: Reader) -> tuple[str, StoreDefinition]:
    """A message store artifact. Raises DeploymentError for a class that is not available."""
    reader.leave_out(root, ("parameter", "description"))
    name = reader.required(root, "name")
    implementation = root.get("class") or f"{PACKAGE}.memory.InMemoryStore"
    kind = _kind(root, implementation, reader)
    values: dict[str, str] = {}
    keys: dict[str, str] = {}
    expressions: dict[str, Expression] = {}
    for item in children(root):
        if local(item) != "parameter":
            continue
        label = reader.required(item, "name")
        if item.get("expression"):
            values[label] = item.get("expression")
            expressions[label] = compile_path(item.get("expression"), item, reader.place(item))
        elif item.get("key"):
            keys[label] = item.get("key")
        else:
            values[label] = _injected(item, reader)
    made = StoreDefinition(name, implementation, tuple(values.items()), kind, tuple(keys.items()), expressions)
    _check(root, made, reader)
    return name, made


def _kind(root: Element, implementation: str, reader: Reader) -> str:
    last = implementation.rpartition(".")[2]
    if last in LATER:
        raise reader.fail(root, f"attribute class={implementation!r}: stores on message brokers are not there yet")
    if last in KINDS:
        return KINDS[last]
    if implementation.startswith(("org.apache.synapse.", "org.wso2.")) or "." not in implementation:
        allowed = f"{PACKAGE}.memory.InMemoryStore, …jdbc.JDBCMessageStore, …resequencer.ResequenceMessageStore"
        raise reader.fail(
            root, f"attribute class={implementation!r}: allowed are {allowed}, or a Python class by dotted path"
        )
    return CUSTOM


def _injected(item: Element, reader: Reader) -> str:
    try:
        return inject(text_of(item))
    except InjectionError as error:
        raise reader.fail(item, str(error)) from error


def _check(root: Element, made: StoreDefinition, reader: Reader) -> None:
    names = {*made.values, *(name for name, _ in made.keys)}
    if made.kind in (JDBC, RESEQUENCE) and not names & {"store.jdbc.dsName", "store.jdbc.connection.url"}:
        raise reader.fail(root, "parameter store.jdbc.dsName or store.jdbc.connection.url is required")
    if made.kind == RESEQUENCE and "store.resequence.id.path" not in made.expressions:
        raise reader.fail(root, "parameter store.resequence.id.path with an expression is required")
    reader.integer(root, made.values.get("store.resequence.timeout"), "parameter store.resequence.timeout", -1)
