"""Builds a deployment from the files of a home: aside, part by part; what a bad file held before stays (reference 1.8)."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path

from lxml import etree

from integrator.engine import inject
from integrator.engine.artifacts import ORDER, Artifact, read_artifact
from integrator.engine.config import Config, read_config
from integrator.engine.content import jsonxml
from integrator.engine.databases import DatabaseUrlError, Source
from integrator.engine.dataservices.parse import read_service
from integrator.engine.dataservices.service import DataService
from integrator.engine.deploy.capp import Application, read_car
from integrator.engine.deploy.metadata import definitions_of, pairs
from integrator.engine.deployment import Deployment, Metadata
from integrator.engine.errors import DeploymentError, Place
from integrator.engine.reader import read_xml
from integrator.engine.registry import Registry
from integrator.engine.runtime import Runtime
from integrator.engine.services.cors import answer_with_cors, origins_of
from integrator.engine.services.rest import Api
from integrator.engine.xmltools import children, local, text_of

log = logging.getLogger("integrator.deployment")

SERVER = Path("repository/deployment/server")
SYNAPSE = SERVER / "synapse-configs/default"
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
}
IGNORED = ("registry", "taskManager", "import", "description")
STOCK = {
    "main": """<sequence xmlns="http://ws.apache.org/ns/synapse" name="main">
  <property name="HTTP_SC" value="404" scope="axis2" type="INTEGER"/>
  <property name="NO_ENTITY_BODY" value="true" scope="axis2" type="BOOLEAN"/>
  <respond/>
</sequence>""",
    "fault": """<sequence xmlns="http://ws.apache.org/ns/synapse" name="fault">
  <log level="full">
    <property name="MESSAGE" value="Executing default &quot;fault&quot; sequence"/>
    <property name="ERROR_CODE" expression="get-property('ERROR_CODE')"/>
    <property name="ERROR_MESSAGE" expression="get-property('ERROR_MESSAGE')"/>
  </log>
  <drop/>
</sequence>""",
}
"""Sequences that are there unless the home has its own (reference 5.1)."""

Stamp = tuple[int, int]
"""Modification time in ns and size of a file."""


@dataclass
class Loaded:
    """What one file gave when it was last read without a mistake, and its stamp."""

    stamp: Stamp
    artifacts: tuple[Artifact, ...] = ()
    service: DataService | None = None
    application: Application | None = None
    services: tuple[DataService, ...] = ()
    sources: dict[str, Source] = field(default_factory=dict)
    error: DeploymentError | None = None


def scan(home: Path) -> dict[str, Stamp]:
    """All files that take part in a deployment, by path relative to the home."""
    found: dict[str, Stamp] = {}
    folders = [SYNAPSE / kind for kind in ORDER]
    globs = [(SYNAPSE, "*.xml"), *((folder, "*.xml") for folder in folders)]  # of two with one name the first stays
    globs += [
        (SERVER / "dataservices", "*.dbs"),
        (SERVER / "carbonapps", "*.car"),
        (SERVER / "metadata", "*.yaml"),
        (Path("conf"), "*"),
    ]
    for folder, pattern in globs:
        for path in sorted((home / folder).glob(pattern)):
            try:
                status = path.stat()
            except OSError:
                continue
            if path.is_file():
                found[str(path.relative_to(home))] = (status.st_mtime_ns, status.st_size)
    return found


class Builder:
    """Keeps what was read, so that an unchanged file is neither read nor compiled again."""

    def __init__(self, home: Path, runtime: Runtime):
        self.home = home
        self.runtime = runtime
        self.loaded: dict[str, Loaded] = {}
        self.registry = Registry(home)

    def build(self, files: dict[str, Stamp]) -> Deployment:
        """A new deployment from the given files. Bad files end up in its errors."""
        config, errors = self._config()
        for gone in self.loaded.keys() - files.keys():
            del self.loaded[gone]
        for path, stamp in files.items():
            held = self.loaded.get(path)
            if held is None or held.stamp != stamp:
                self.loaded[path] = self._load(path, stamp, held)
        errors += [held.error for held in self.loaded.values() if held.error]
        return self._assemble(config, errors)

    def _config(self) -> tuple[Config, list[DeploymentError]]:
        try:
            self.config = read_config(self.home)
            inject.file_properties.clear()
            inject.file_properties.update(self.config.properties)
            given = self.config.synapse_properties
            jsonxml.use(
                jsonxml.rules_from({key.removeprefix("synapse.commons."): value for key, value in given.items()})
            )
            self.runtime.global_timeout_ms = min(self.runtime.settings.global_timeout_ms, self.config.global_timeout_ms)
        except DeploymentError as error:
            self.config = getattr(self, "config", Config())
            return self.config, [error]
        return self.config, []

    def _load(self, path: str, stamp: Stamp, before: Loaded | None) -> Loaded:
        try:
            return self._read(path, stamp, (self.home / path).read_bytes())
        except OSError as error:
            problem = DeploymentError(Place(path), str(error))
        except DeploymentError as error:
            problem = error
        except Exception as error:
            log.exception("%s could not be read", path)
            problem = DeploymentError(Place(path), f"not readable as an artifact: {type(error).__name__}: {error}")
        kept = before or Loaded(stamp)
        log.error(
            "refused: %s%s",
            problem,
            "; the version before goes on" if before and (before.artifacts or before.service) else "",
        )
        return replace(kept, stamp=stamp, error=problem)

    def _read(self, path: str, stamp: Stamp, data: bytes) -> Loaded:
        folder = Path(path).parent
        if path.endswith(".car"):
            return self._car(path, stamp, data)
        if path.endswith(".dbs"):
            return Loaded(stamp, service=self._service(data, path))
        if folder == SYNAPSE:
            return Loaded(stamp, self._definitions(data, path))
        if folder.parent == SYNAPSE:
            return Loaded(stamp, (read_artifact(folder.name, data, path),))
        return Loaded(stamp)

    def _service(self, data: bytes, path: str) -> DataService:
        root, reader = read_xml(data, path)
        service = read_service(root, reader)
        service.pools = self.runtime.pools
        return service

    def _definitions(self, data: bytes, path: str) -> tuple[Artifact, ...]:
        root, reader = read_xml(data, path)
        if local(root) in IGNORED:
            return ()
        if local(root) != "definitions":
            raise reader.fail(root, f"root element <{local(root)}>: allowed are definitions, registry, taskManager")
        found = []
        for item in children(root):
            if local(item) in IGNORED:
                continue
            if local(item) not in INLINE:
                raise reader.fail(
                    item, f"element <{local(item)}> is not allowed here; allowed are {', '.join((*INLINE, *IGNORED))}"
                )
            found.append(read_artifact(INLINE[local(item)], etree.tostring(item, with_tail=False), path))
        return tuple(found)

    def _car(self, path: str, stamp: Stamp, data: bytes) -> Loaded:
        application = read_car(data, path)
        artifacts, services, sources = [], [], {}
        for part in application.parts:
            if part.kind == "dataservices":
                services.append(self._service(part.data, part.file))
            elif part.kind == "datasources":
                name, source = read_data_source(part.data, part.file)
                sources[name] = source
            else:
                artifacts.append(read_artifact(part.kind, part.data, part.file, application.name))
        return Loaded(stamp, tuple(artifacts), application=application, services=tuple(services), sources=sources)

    def _assemble(self, config: Config, errors: list[DeploymentError]) -> Deployment:
        artifacts: dict[tuple[str, str], Artifact] = {}
        for path, held in self.loaded.items():
            for artifact in held.artifacts:
                if self._taken(artifact, artifacts):
                    other = artifacts.get((artifact.kind, artifact.name))
                    where = f" in {other.file}" if other else ""
                    errors.append(
                        DeploymentError(Place(path), f"{artifact.kind} {artifact.name!r} is deployed already{where}")
                    )
                else:
                    artifacts[(artifact.kind, artifact.name)] = artifact
        for name, data in STOCK.items():
            artifacts.setdefault(("sequences", name), read_artifact("sequences", data, f"stock/{name}.xml"))
        services = [held.service for held in self.loaded.values() if held.service]
        services += [service for held in self.loaded.values() for service in held.services]
        self.registry.packed = {
            key: data
            for held in self.loaded.values()
            if held.application
            for key, data in held.application.resources.items()
        }
        sources = {name: source for held in self.loaded.values() for name, source in held.sources.items()}
        deployment = Deployment(
            runtime=self.runtime,
            config=config,
            registry=self.registry,
            artifacts=artifacts,
            apis=_apis(artifacts, config),
            data_services={service.name: service for service in services},
            stores={name: self.runtime.store(name) for kind, name in artifacts if kind == "message-stores"},
            data_sources=sources,
            applications=tuple(held.application for held in self.loaded.values() if held.application),
            metadata=tuple(self._metadata()),
            definitions=definitions_of(self._yaml()),
            errors=tuple(errors),
        )
        for service in services:
            service.data_source = deployment.data_source
        return deployment

    @staticmethod
    def _taken(artifact: Artifact, artifacts: dict[tuple[str, str], Artifact]) -> bool:
        if (artifact.kind, artifact.name) in artifacts:
            return True
        if artifact.kind != "api":
            return False
        wanted = (artifact.value.root, artifact.value.version)
        return any(
            kind == "api" and (held.value.root, held.value.version) == wanted for (kind, _), held in artifacts.items()
        )

    def _yaml(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in self.loaded:
            if path.endswith(".yaml") and Path(path).parent == SERVER / "metadata":
                found[Path(path).name] = (self.home / path).read_text("utf-8", "replace")
        for held in self.loaded.values():
            if held.application:
                found |= held.application.metadata
        return found

    def _metadata(self) -> list[Metadata]:
        return pairs(self._yaml())


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


def _apis(artifacts: dict[tuple[str, str], Artifact], config: Config) -> tuple[Api, ...]:
    """APIs, the longest context first; with listed origins each answers with CORS headers."""
    found = [item.value for (kind, _), item in artifacts.items() if kind == "api"]
    if origins_of(config):
        found = [replace(api, handlers=(answer_with_cors, *api.handlers)) for api in found]
    return tuple(sorted(found, key=lambda api: -len(api.root)))
