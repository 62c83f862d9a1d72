"""Puts what the files of a home gave into one deployment; what collides stays out, a car as a whole (reference 1.2, 1.8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from integrator.engine.artifacts import DEFAULT_LISTENER, Artifact, read_artifact
from integrator.engine.config import Config
from integrator.engine.dataservices.service import DataService
from integrator.engine.deploy.capp import Application
from integrator.engine.deploy.loaded import Loaded
from integrator.engine.errors import DeploymentError, Place
from integrator.engine.services.cors import answer_with_cors, origins_of
from integrator.engine.services.rest import Api

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
"""Sequences that are there unless the home or a car has its own (reference 5.1)."""
SHARED = ("local-entries", "endpoints", "sequences", "templates")
"""Kinds that are looked up by one key, so that no two of them may have one name."""
GOES_ON = "; the version before goes on"


@dataclass
class Assembly:
    """What is accepted so far, and why the rest is not."""

    artifacts: dict[tuple[str, str], Artifact] = field(default_factory=dict)
    services: dict[str, DataService] = field(default_factory=dict)
    applications: list[Application] = field(default_factory=list)
    accepted: dict[str, Loaded] = field(default_factory=dict)
    errors: list[DeploymentError] = field(default_factory=list)
    contexts: dict[tuple[str, str], Artifact] = field(default_factory=dict)
    """APIs by root and version."""

    def add(self, path: str, held: Loaded) -> None:
        """Take what a file gave; when it collides, what it gave before."""
        if held.application is None:
            self._add_file(path, held)
            return
        problem = self._collision(held)
        if problem is None:
            self._take(path, held)
            held.before = None
            return
        goes_on = held.before is not None and self._collision(held.before) is None
        self.errors.append(DeploymentError(Place(path), problem + GOES_ON * goes_on))
        if goes_on and held.before is not None:
            self._take(path, held.before)

    def _add_file(self, path: str, held: Loaded) -> None:
        problems = self._problems(held)
        if problems and held.before is not None and not self._problems(held.before):
            self.errors.append(DeploymentError(Place(path), problems[0] + GOES_ON))
            held = held.before
        else:
            self.errors += [DeploymentError(Place(path), problem) for problem in problems]
            held.before = None
        self._take(path, held)

    def _take(self, path: str, held: Loaded) -> None:
        for artifact in held.artifacts:
            if not self._taken(artifact) and not self._yields(artifact):
                self.artifacts[(artifact.kind, artifact.name)] = artifact
                if artifact.kind == "api":
                    self.contexts[(artifact.value.root, artifact.value.version)] = artifact
        for service in _services(held):
            self.services.setdefault(service.name, service)
        if held.application is not None:
            self.applications.append(held.application)
        self.accepted[path] = held

    def _collision(self, held: Loaded) -> str | None:
        """Why a car cannot be taken; None when it can."""
        found = held.application
        assert found is not None
        for other in self.applications:
            if (other.name, other.version) == (found.name, found.version):
                return f"application {found.name} {found.version} is deployed already in {other.file}"
        return next(iter(self._problems(held)), None)

    def _problems(self, held: Loaded) -> list[str]:
        problems = [problem for artifact in held.artifacts if (problem := self._taken(artifact))]
        return problems + [
            f"data service {service.name!r} is deployed already"
            for service in _services(held)
            if service.name in self.services
        ]

    def _taken(self, artifact: Artifact) -> str:
        """Which artifact stands where this one wants to be; empty when none does."""
        kinds = SHARED if artifact.kind in SHARED else (artifact.kind,)
        for kind in kinds:
            other = self.artifacts.get((kind, artifact.name))
            if other is not None and not _default(artifact, other):
                return f"{artifact.kind} {artifact.name!r} is deployed already in {other.file}"
        if artifact.kind != "api":
            return ""
        held = self.contexts.get((artifact.value.root, artifact.value.version))
        if held is None:
            return ""
        return f"api {artifact.name!r}: its context is that of {held.name!r}, which is deployed already in {held.file}"

    def _yields(self, artifact: Artifact) -> bool:
        """Whether it is the home's own main or fault while a car has one."""
        other = self.artifacts.get((artifact.kind, artifact.name))
        return other is not None and bool(other.container) and not artifact.container


def _default(one: Artifact, other: Artifact) -> bool:
    """Whether two sequences are the home's own main or fault and a car's, which goes first while it is deployed."""
    return one.kind == other.kind == "sequences" and one.name in STOCK and bool(one.container) != bool(other.container)


def _services(held: Loaded) -> Iterable[DataService]:
    return (held.service, *held.services) if held.service is not None else held.services


def with_stock(artifacts: dict[tuple[str, str], Artifact]) -> dict[tuple[str, str], Artifact]:
    """The artifacts with main and fault sequences."""
    for name, data in STOCK.items():
        if ("sequences", name) not in artifacts:
            artifacts[("sequences", name)] = read_artifact("sequences", data, f"stock/{name}.xml")
    return artifacts


def bound(found: tuple[Api, ...]) -> dict[str, tuple[Api, ...]]:
    """APIs by the listener that they are bound to; those bound to none are of the main ports."""
    names = {DEFAULT_LISTENER, *(name for api in found for name in api.binds)}
    return {
        name: tuple(
            (api.bound_to(name) if api.binds or any(item.binds for item in api.resources) else api)
            for api in found
            if name in (api.binds or (DEFAULT_LISTENER,))
        )
        for name in names
    }


def apis(artifacts: dict[tuple[str, str], Artifact], config: Config) -> tuple[Api, ...]:
    """APIs, the longest context first; with listed origins each answers with CORS headers."""
    found = [item.value for (kind, _), item in artifacts.items() if kind == "api"]
    if origins_of(config):
        found = [replace(api, handlers=(answer_with_cors, *api.handlers)) for api in found]
    return tuple(sorted(found, key=lambda api: -len(api.root)))
