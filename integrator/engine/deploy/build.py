"""Builds a deployment from the files of a home: aside, part by part; what a bad file held before stays (reference 1.8)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lxml import etree

from integrator.engine import inject, libraries, synapse_handlers
from integrator.engine.artifacts import DEFAULT_LISTENER, Artifact, read_artifact
from integrator.engine.config import Config, read_config
from integrator.engine.config_keys import remarks
from integrator.engine.connectors import finding
from integrator.engine.content import jsonxml
from integrator.engine.databases import DatabaseUrlError, Source
from integrator.engine.dataservices.parse import read_service
from integrator.engine.dataservices.service import DataService
from integrator.engine.deploy import connectors
from integrator.engine.deploy.assemble import GOES_ON, Assembly, apis, bound, with_stock
from integrator.engine.deploy.capp import ROLES, Part, read_car
from integrator.engine.deploy.guard import on_this_server, with_policies
from integrator.engine.deploy.loaded import SERVER, SYNAPSE, Import, Loaded, Stamp, scan
from integrator.engine.deploy.metadata import definitions_of, pairs
from integrator.engine.deployment import Deployment, Metadata
from integrator.engine.errors import DeploymentError, Fault, Place
from integrator.engine.expressions import xpath20
from integrator.engine.libraries import Library
from integrator.engine.observe import analytics
from integrator.engine.observe.analytics_config import read_analytics
from integrator.engine.reader import Reader, read_xml
from integrator.engine.registry import CACHE_S, Registry
from integrator.engine.runtime import Runtime
from integrator.engine.scripting.classes import ClassProblem
from integrator.engine.stores.base import Store, StoreError
from integrator.engine.stores.making import Makers
from integrator.engine.xmltools import Element, children, local, text_of

__all__ = ["Builder", "Stamp", "scan"]

log = logging.getLogger("integrator.deployment")

INLINE = {
    "sequence": "sequences",
    "endpoint": "endpoints",
    "proxy": "proxy-services",
    "api": "api",
    "localEntry": "local-entries",
    "task": "tasks",
    "messageStore": "message-stores",
    "messageProcessor": "message-processors",
    "template": "templates",
    "inboundEndpoint": "inbound-endpoints",
    "priority-executor": "priority-executors",
    "priorityExecutor": "priority-executors",
    "eventSource": "event-sources",
}
SETTINGS = ("registry", "taskManager", "import", "description")
JAVA = {
    "axis2services": "an Axis2 service is for a Java server; use a proxy service, with <class> and a Python class if need be",
    "userstores": "user stores are not read here; users of the management API stand in [[internal_apis.users]]",
}
"""Folders whose files are listed as refused, with what takes their place."""


class Builder:
    """Keeps what was read, so that an unchanged file is neither read nor compiled again."""

    def __init__(self, home: Path, runtime: Runtime):
        self.home = home
        self.runtime = runtime
        self.loaded: dict[str, Loaded] = {}
        self.told: set[str] = set()
        self.config = Config()
        self.registry = Registry(home)
        self.data_source: Callable[[str], Source | None] = lambda _: None
        self.makers = Makers(runtime, home, lambda name: self.data_source(name))

    def build(self, files: dict[str, Stamp]) -> Deployment:
        """A new deployment from the given files. Bad files end up in its errors."""
        config, errors = self._config()
        known = dict(libraries.installed)
        changed, problems = synapse_handlers.use(config, self.home)
        errors += problems
        if self._analytics(config, errors) or changed:
            self._forget()
        for gone in self.loaded.keys() - files.keys():
            del self.loaded[gone]
        libraries.install(self._libraries())
        for path, stamp in files.items():
            held = self.loaded.get(path)
            if held is None or held.stamp != stamp:
                self._load_again(path, stamp, held)
        self._follow_libraries(known, files)
        deployment = self._assemble(config, errors)
        self._tell(deployment)
        return deployment

    def _tell(self, deployment: Deployment) -> None:
        """Log once what is refused for what else is there; what cannot be read was told when it was read."""
        unreadable = {str(held.error) for held in self.loaded.values() if held.error}
        found = {str(error) for error in deployment.errors} - unreadable
        for problem in sorted(found - self.told):
            log.error("refused: %s", problem)
        self.told = found

    @staticmethod
    def _analytics(config: Config, errors: list[DeploymentError]) -> bool:
        """Take the analytics that are configured; a table that is wrong is told and leaves them as they are."""
        try:
            return analytics.use(read_analytics(config.tables, config.hostname, analytics.own_address))
        except DeploymentError as error:
            errors.append(error)
            return False

    def _forget(self) -> None:
        """Read all again: artifacts are compiled with the synapse handlers and analytics that there are."""
        for held in self.loaded.values():
            held.stamp = (0, 0)

    def _load_again(self, path: str, stamp: Stamp, held: Loaded | None) -> None:
        self.loaded[path] = made = self._load(path, stamp, held)
        if made.libraries or made.imports or (held is not None and (held.libraries or held.imports)):
            libraries.install(self._libraries())

    def _follow_libraries(self, known: dict[str, Library], files: dict[str, Stamp]) -> None:
        """Read again what was refused, or calls a connector that changed: what it means has changed."""
        now = libraries.installed
        changed = {f"<{name}." for name in known.keys() | now.keys() if known.get(name) != now.get(name)}
        if not changed:
            return
        for path, held in list(self.loaded.items()):
            texts = [artifact.text.lower() for artifact in held.artifacts]
            if held.error or any(mark in text for mark in changed for text in texts):
                self._load_again(path, files[path], held)

    def _libraries(self) -> dict[str, Library]:
        """Connectors by name; one of a zip file is enabled by an import, one of a car by being in it."""
        imports = [item for held in self.loaded.values() for item in held.imports]
        enabled = {(item.name.lower(), item.package) for item in imports if item.enabled}
        found: dict[str, Library] = {}
        for path, held in self.loaded.items():
            for library in held.libraries:
                use = path.endswith(".car") or (library.name.lower(), library.package) in enabled
                found.setdefault(library.name.lower(), replace(library, enabled=use))
        return found

    def _config(self) -> tuple[Config, list[DeploymentError]]:
        try:
            self.config = self._remarked(read_config(self.home))
            inject.file_properties.clear()
            inject.file_properties.update(self.config.properties)
            packages = self.config.tables.get("connectors", {}).get("packages", ())
            finding.use([*self.runtime.settings.connector_packages, *map(str, packages)], self.home)
            given = self.config.synapse_properties
            jsonxml.use(
                jsonxml.rules_from({key.removeprefix("synapse.commons."): value for key, value in given.items()})
            )
            xpath20.use(given.get("synapse.xpath.dom.failover.enabled", "false").lower() == "true")
            self.runtime.global_timeout_ms = min(self.runtime.settings.global_timeout_ms, self.config.global_timeout_ms)
        except DeploymentError as error:
            return self.config, [error]
        return self.config, [DeploymentError(Place("conf/deployment.toml"), text) for text in self.config.unresolved]

    def _remarked(self, config: Config) -> Config:
        """Say once of each reading of deployment.toml which of its keys have no effect."""
        if config.tables != self.config.tables:
            for remark in remarks(config.tables):
                log.warning("%s", remark)
        return config

    def _load(self, path: str, stamp: Stamp, before: Loaded | None) -> Loaded:
        try:
            made = self._read(path, stamp, (self.home / path).read_bytes())
            made.before = replace(before, before=None) if before is not None and before.holds else None
            return made
        except OSError as error:
            problem = DeploymentError(Place(path), str(error))
        except DeploymentError as error:
            problem = error
        except Exception as error:
            log.exception("%s could not be read", path)
            problem = DeploymentError(Place(path), f"not readable as an artifact: {type(error).__name__}: {error}")
        if before is None or not before.holds:
            log.error("refused: %s", problem)
            return Loaded(stamp, error=problem)
        problem = DeploymentError(problem.place, problem.reason + GOES_ON)
        log.error("refused: %s", problem)
        return replace(before, stamp=stamp, error=problem)

    def _read(self, path: str, stamp: Stamp, data: bytes) -> Loaded:
        folder = Path(path).parent
        if path.endswith(".car"):
            return self._car(path, stamp, data)
        if path.endswith(".dbs"):
            return Loaded(stamp, service=self._service(data, path))
        if path.endswith(".zip"):
            return Loaded(stamp, libraries=(self._library(data, path),))
        if folder.parent == SERVER and folder.name in JAVA:
            raise DeploymentError(Place(path), JAVA[folder.name])
        if folder == SYNAPSE:
            return self._definitions(data, path, stamp)
        if folder == SYNAPSE / "imports":
            return Loaded(stamp, imports=(_import(*read_xml(data, path)),))
        if folder.parent == SYNAPSE or folder == SERVER / "event-sinks":
            return Loaded(stamp, (read_artifact(folder.name, data, path),))
        return Loaded(stamp)

    def _service(self, data: bytes, path: str) -> DataService:
        root, reader = read_xml(data, path)
        service = read_service(root, reader)
        service.pools = self.runtime.pools
        return service

    def _library(self, data: bytes, file: str) -> Library:
        """A connector. Its name is made known first: its templates may call each other."""
        outline = connectors.read_outline(data, file)
        name = outline.name.lower()
        held = libraries.installed.get(name)
        libraries.installed[name] = outline
        try:
            library = connectors.read_library(data, file, self.config.python_packages)
        finally:
            libraries.installed.pop(name) if held is None else libraries.installed.__setitem__(name, held)
        for problem in connectors.complain(library):
            log.warning("%s: %s", file, problem)
        return library

    def _definitions(self, data: bytes, path: str, stamp: Stamp) -> Loaded:
        root, reader = read_xml(data, path)
        if local(root) == "registry":
            return Loaded(stamp, cache_s=_registry(root, reader))
        if local(root) == "taskManager":
            return Loaded(stamp)
        if local(root) != "definitions":
            raise reader.fail(root, f"root element <{local(root)}>: allowed are definitions, registry, taskManager")
        found, made = [], Loaded(stamp)
        for item in children(root):
            if local(item) == "registry":
                made.cache_s = _registry(item, reader)
            elif local(item) == "import":
                made.imports = (*made.imports, _import(item, reader))
            elif local(item) in INLINE:
                found.append(self._inline(item, path))
            elif local(item) not in SETTINGS:
                allowed = ", ".join((*INLINE, *SETTINGS))
                raise reader.fail(item, f"element <{local(item)}> is not allowed here; allowed are {allowed}")
        made.artifacts = tuple(found)
        return made

    @staticmethod
    def _inline(item: Element, path: str) -> Artifact:
        return read_artifact(INLINE[local(item)], etree.tostring(item, with_tail=False), path, line=item.sourceline)

    def _car(self, path: str, stamp: Stamp, data: bytes) -> Loaded:
        application = read_car(data, path, self.config.roles or ROLES)
        if application is None:
            log.warning("%s has no dependencies, so there is nothing to deploy", path)
            return Loaded(stamp)
        for reason in application.left_out:
            log.warning("%s: left out: %s", path, reason)
        made = Loaded(stamp, application=application)
        before = dict(libraries.installed)
        try:
            for part in application.parts:
                self._part(part, application.name, made)
        finally:
            libraries.install(before)
        return made

    def _part(self, part: Part, container: str, made: Loaded) -> None:
        if part.kind == "dataservices":
            made.services = (*made.services, self._service(part.data, part.file))
        elif part.kind == "datasources":
            name, source = read_data_source(part.data, part.file)
            made.sources[name] = source
        elif part.kind == "libraries":
            library = self._library(part.data, part.file)
            libraries.installed[library.name.lower()] = library
            made.libraries = (*made.libraries, library)
        else:
            made.artifacts = (*made.artifacts, read_artifact(part.kind, part.data, part.file, container))

    def _assemble(self, config: Config, errors: list[DeploymentError]) -> Deployment:
        made = Assembly(errors=errors + [held.error for held in self.loaded.values() if held.error])
        for path, held in self.loaded.items():
            made.add(path, held)
        artifacts, held_files = on_this_server(with_stock(made.artifacts), config), made.accepted.values()
        for path, held in made.accepted.items():
            made.errors += _unusable(path, held)
        self.registry.packed = {key: item for app in made.applications for key, item in app.resources.items()}
        self.registry.cache_s = next((held.cache_s for held in held_files if held.cache_s is not None), CACHE_S)
        before = artifacts.get(("sequences", "pre-mediate"))
        found = apis(artifacts, config)
        served = bound(found)
        deployment = Deployment(
            runtime=self.runtime,
            config=config,
            registry=self.registry,
            artifacts=artifacts,
            apis=found,
            open_apis=served.pop(DEFAULT_LISTENER),
            bound=served,
            data_services=made.services,
            stores=self._stores(made),
            data_sources={name: source for held in held_files for name, source in held.sources.items()},
            applications=tuple(made.applications),
            metadata=tuple(self._metadata(made)),
            definitions=definitions_of(self._yaml(made)),
            errors=tuple(made.errors),
            libraries=dict(libraries.installed),
            before=before.value.chain if before is not None else None,
        )
        deployment = with_policies(deployment)
        for service in made.services.values():
            service.data_source = deployment.data_source
        self.data_source = deployment.data_source
        return deployment

    def _stores(self, made: Assembly) -> dict[str, Store]:
        """Stores by name; one whose class or parameters cannot be used is refused."""
        found: dict[str, Store] = {}
        for (kind, name), artifact in list(made.artifacts.items()):
            if kind != "message-stores":
                continue
            try:
                found[name] = self.makers.store(artifact.value, self._entry, self.config.python_packages)
            except (StoreError, ClassProblem) as error:
                made.errors.append(DeploymentError(Place(artifact.file, 1, "messageStore"), str(error)))
                del made.artifacts[(kind, name)]
        return found

    def _entry(self, key: str) -> str | None:
        try:
            return self.registry.text(key)
        except Fault:
            return None

    def _yaml(self, made: Assembly) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in self.loaded:
            if path.endswith(".yaml") and Path(path).parent == SERVER / "metadata":
                found[Path(path).name] = (self.home / path).read_text("utf-8", "replace")
        for application in made.applications:
            found |= application.metadata
        return found

    def _metadata(self, made: Assembly) -> list[Metadata]:
        return pairs(self._yaml(made))


def _unusable(path: str, held: Loaded) -> list[DeploymentError]:
    """Operations of a connector archive that do not run here; a car's are told when they are called."""
    if path.endswith(".car"):
        return []
    foreign = [library for library in held.libraries if finding.find(library.name) is None]
    problems = [problem for library in foreign for problem in connectors.complain(library)]
    return [DeploymentError(Place(path), problem) for problem in problems]


def _import(root: Element, reader: Reader) -> Import:
    if local(root) != "import":
        raise reader.fail(root, f"root element <{local(root)}>: allowed is import")
    status = reader.choice(root, "status", ("enabled", "disabled"), "enabled")
    return Import(reader.required(root, "name"), root.get("package") or libraries.PACKAGE, status == "enabled")


def _registry(root: Element, reader: Reader) -> float | None:
    """Seconds for which a registry keeps content; its other parameters name folders of the Java server."""
    for item in children(root):
        if local(item) == "parameter" and item.get("name") == "cachableDuration":
            milliseconds = reader.integer(item, text_of(item), "parameter cachableDuration", int(CACHE_S * 1000))
            if milliseconds < 0:
                raise reader.fail(
                    item, f"parameter cachableDuration={milliseconds}: 0 or more milliseconds are expected"
                )
            return milliseconds / 1000
    return None


def read_data_source(data: bytes, file: str) -> tuple[str, Source]:
    """A `datasource` artifact of a car."""
    root, reader = read_xml(data, file)
    values = {local(item): text_of(item) for item in root.iter() if isinstance(item.tag, str) and not children(item)}
    source = Source(values.get("url", ""), values.get("username", ""), values.get("password", ""))
    try:
        source.parts()
    except DatabaseUrlError as error:
        raise reader.fail(root, str(error)) from error
    return values.get("name", ""), source
