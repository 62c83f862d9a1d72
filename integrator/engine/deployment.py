"""An immutable snapshot of everything that is deployed. A message runs on one snapshot from beginning to end."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from integrator.engine.artifacts import (
    Artifact,
    EndpointTemplate,
    LocalEntry,
    Sequence,
    SequenceTemplate,
    read_element,
)
from integrator.engine.config import Config
from integrator.engine.databases import Source
from integrator.engine.dataservices.service import DataService
from integrator.engine.deploy.capp import Application
from integrator.engine.endpoints.base import Endpoint
from integrator.engine.errors import DeploymentError, Fault
from integrator.engine.executors import PriorityExecutor
from integrator.engine.libraries import Library
from integrator.engine.processors import Processor
from integrator.engine.reader import read_xml
from integrator.engine.registry import MAX_ENTRIES, Registry
from integrator.engine.runtime import Runtime
from integrator.engine.sequence import Chain
from integrator.engine.services.proxy import Proxy
from integrator.engine.services.rest import Api
from integrator.engine.stores.base import Store
from integrator.engine.stores.definition import StoreDefinition
from integrator.engine.tasks import Task


@dataclass(frozen=True)
class Metadata:
    """Service-catalog metadata of one service and its definition, as text."""

    key: str
    metadata: str
    definition: str


@dataclass(frozen=True)
class Deployment:
    """All artifacts by kind and name; `errors` are the files that were refused."""

    runtime: Runtime
    config: Config
    registry: Registry
    artifacts: dict[tuple[str, str], Artifact]
    apis: tuple[Api, ...] = ()
    data_services: dict[str, DataService] = field(default_factory=dict)
    stores: dict[str, Store] = field(default_factory=dict)
    data_sources: dict[str, Source] = field(default_factory=dict)
    applications: tuple[Application, ...] = ()
    metadata: tuple[Metadata, ...] = ()
    definitions: dict[str, str] = field(default_factory=dict)
    errors: tuple[DeploymentError, ...] = ()
    libraries: dict[str, Library] = field(default_factory=dict)
    open_apis: tuple[Api, ...] = ()
    """APIs that the main ports serve."""
    bound: dict[str, tuple[Api, ...]] = field(default_factory=dict)
    """APIs by the inbound endpoint that serves them."""
    before: Chain | None = None
    """The sequence `pre-mediate`, which every message runs through first."""
    compiled: dict[str, tuple[bytes, Any]] = field(default_factory=dict)
    """What was compiled of texts that are read when used (security policies), with the text it was made of."""
    _from_registry: dict[str, tuple[bytes, Any]] = field(default_factory=dict)

    def of_kind(self, kind: str) -> dict[str, Any]:
        """Objects of one kind by name."""
        return {name: artifact.value for (held, name), artifact in self.artifacts.items() if held == kind}

    def _value(self, kind: str, name: str) -> Any:
        artifact = self.artifacts.get((kind, name))
        return None if artifact is None else artifact.value

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """Scheduled tasks by name."""
        return self.of_kind("tasks")

    @cached_property
    def processors(self) -> dict[str, Processor]:
        """Message processors by name."""
        return self.of_kind("message-processors")

    @cached_property
    def proxies(self) -> dict[str, Proxy]:
        """Proxy services by name."""
        return self.of_kind("proxy-services")

    def apis_below(self, path: str) -> tuple[Api, ...]:
        """The APIs that a path may be for, in the order in which they are asked."""
        return self._apis_by_segment.get(path[1:].partition("/")[0]) or self._apis_by_segment.get("", ())

    @cached_property
    def _apis_by_segment(self) -> dict[str, tuple[Api, ...]]:
        """APIs by the first segment of their context, each with those that take every path (also below \"\")."""
        held: dict[str, list[tuple[int, Api]]] = {}
        for place, api in enumerate(self.open_apis):
            held.setdefault(api.first_segment, []).append((place, api))
        everywhere = held.pop("", [])
        found = {
            segment: tuple(api for _, api in sorted(apis + everywhere, key=itemgetter(0)))
            for segment, apis in held.items()
        }
        return {**found, "": tuple(api for _, api in everywhere)}

    def sequence(self, name: str) -> Chain | None:
        """The chain of a named sequence, or of one in the registry; None when there is none."""
        found: Sequence | None = self._value("sequences", name)
        if found is None:
            found = self._keyed("sequences", name)
        return None if found is None else found.chain

    def response_of_main(self) -> Chain | None:
        """The main sequence when it has an `out` part: responses without a service of their own run through it."""
        found: Sequence | None = self._value("sequences", "main")
        if found is None or not any(mediator.tag == "out" for mediator in found.mediators):
            return None
        return found.chain

    def required_sequence(self, name: str) -> Chain:
        """The chain of a named sequence. Raises Fault when there is none."""
        chain = self.sequence(name)
        if chain is None:
            raise Fault(0, f"sequence {name!r} is not deployed")
        return chain

    def endpoint(self, name: str) -> Endpoint | None:
        """A named endpoint, or one in the registry."""
        found: Endpoint | None = self._value("endpoints", name)
        return found if found is not None else self._keyed("endpoints", name)

    def sequence_template(self, name: str) -> SequenceTemplate | None:
        """A sequence template: a deployed one, or an operation of a connector archive by `package.connector.operation`."""
        found = self._value("templates", name)
        if found is None and self.libraries and name.count(".") > 1:
            return self._library_template(name)
        return found if isinstance(found, SequenceTemplate) else None

    def _library_template(self, name: str) -> SequenceTemplate | None:
        path, _, operation = name.rpartition(".")
        package, _, connector = path.rpartition(".")
        library = self.libraries.get(connector.lower())
        if library is None or library.package != package or operation not in library.operations:
            return None
        return library.operations[operation].template

    def connector_template(self, connector: str, operation: str) -> SequenceTemplate | None:
        """The template of an operation of an enabled connector archive."""
        library = self.libraries.get(connector.lower())
        held = library.operations.get(operation) if library is not None and library.enabled else None
        return None if held is None else held.template

    def endpoint_template(self, name: str) -> EndpointTemplate | None:
        """An endpoint template."""
        found = self._value("templates", name)
        return found if isinstance(found, EndpointTemplate) else None

    def local_entry(self, name: str) -> Any:
        """A local entry's value: its element, or its text; None when there is none."""
        entry: LocalEntry | None = self._value("local-entries", name)
        if entry is None:
            return None
        return entry.element if entry.element is not None else self._entry_text(entry)

    def connection(self, key: str) -> Any:
        """The connector's `init` that a local entry holds; None when there is none."""
        entry: LocalEntry | None = self._value("local-entries", key)
        return None if entry is None else entry.connection

    def entry_text(self, key: str) -> str | None:
        """Text behind a key: a local entry, else a registry resource, else a file below the home's registry."""
        entry: LocalEntry | None = self._value("local-entries", key)
        if entry is not None:
            return self._entry_text(entry)
        data = self.registry.read(key)
        return None if data is None else data.decode("utf-8-sig", "replace")

    def program_text(self, key: str) -> str | None:
        """Text of a program behind a key: a local entry that is one element around it gives what is in the element."""
        entry: LocalEntry | None = self._value("local-entries", key)
        if entry is not None and entry.element is not None and not len(entry.element):
            return entry.element.text or ""
        return self.entry_text(key)

    def _entry_text(self, entry: LocalEntry) -> str | None:
        if not entry.source:
            return entry.text
        parts = urlsplit(entry.source)
        if parts.scheme != "file":
            raise Fault(0, f"local entry {entry.key!r}: src {entry.source!r}: allowed are file: URLs")
        path = Path(unquote(parts.path or parts.netloc))
        try:
            return (path if path.is_absolute() else self.registry.home / path).read_text("utf-8")
        except OSError as error:
            raise Fault(0, f"local entry {entry.key!r}: {error}") from error

    def data_source(self, name: str) -> Source | None:
        """A data source by name: of the configuration, or from a car."""
        return self.config.data_sources.get(name) or self.data_sources.get(name)

    def store_definition(self, name: str) -> StoreDefinition | None:
        """The artifact of a message store."""
        found: StoreDefinition | None = self._value("message-stores", name)
        return found

    def executor(self, name: str) -> PriorityExecutor | None:
        """A priority executor."""
        found: PriorityExecutor | None = self._value("priority-executors", name)
        return found

    def _keyed(self, kind: str, key: str) -> Any:
        """A sequence or endpoint kept as a local entry or registry resource; compiled again when its text changes."""
        text = self.entry_text(key) if ":" in key or ("local-entries", key) in self.artifacts else None
        if text is None:
            return None
        data = text.encode()
        held = self._from_registry.get(key)
        if held is None or held[0] != data:
            try:
                root, reader = read_xml(data, key)
                if not root.get("name"):
                    root.set("name", key)
                if len(self._from_registry) >= MAX_ENTRIES:  # keys may come from messages
                    self._from_registry.clear()
                held = self._from_registry[key] = (data, read_element(kind, root, reader)[1])
            except DeploymentError as error:
                raise Fault(0, str(error)) from error
        return held[1]
