"""Reads messageStore artifacts (reference 5.9)."""

from __future__ import annotations

from dataclasses import dataclass

from integrator.engine.reader import Reader
from integrator.engine.xmltools import Element, children, local, text_of

IN_MEMORY = ("InMemoryStore", "InMemoryMessageStore")


@dataclass(frozen=True)
class StoreDefinition:
    """Name, class and parameters."""

    name: str
    implementation: str
    parameters: tuple[tuple[str, str], ...]


def read_store(root: Element, reader: Reader) -> tuple[str, StoreDefinition]:
    """A message store artifact. Raises DeploymentError for a class that is not available."""
    name = reader.required(root, "name")
    implementation = root.get("class") or "org.apache.synapse.message.store.impl.memory.InMemoryStore"
    if implementation.rpartition(".")[2] not in IN_MEMORY:
        raise reader.fail(
            root,
            f"attribute class={implementation!r}: allowed is org.apache.synapse.message.store.impl.memory.InMemoryStore",
        )
    parameters = tuple(
        (reader.required(item, "name"), text_of(item)) for item in children(root) if local(item) == "parameter"
    )
    return name, StoreDefinition(name, implementation, parameters)
