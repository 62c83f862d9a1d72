"""Carbon applications: reads a .car file into its artifacts (reference 1.2, 1.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from integrator.engine.deploy.archive import Archive, safe
from integrator.engine.errors import DeploymentError
from integrator.engine.reader import Reader, read_xml
from integrator.engine.registry import Resource
from integrator.engine.xmltools import Element, child, children, local, text_of

ROLES = frozenset({"EnterpriseIntegrator", "EnterpriseServiceBus", "DataServicesServer"})
KINDS = {
    "datasource/datasource": "datasources",
    "service/dataservice": "dataservices",
    "synapse/lib": "libraries",
    "synapse/local-entry": "local-entries",
    "synapse/endpoint": "endpoints",
    "synapse/sequence": "sequences",
    "synapse/message-store": "message-stores",
    "synapse/template": "templates",
    "synapse/proxy-service": "proxy-services",
    "synapse/task": "tasks",
    "synapse/event-source": "event-sources",
    "synapse/message-processors": "message-processors",
    "synapse/api": "api",
    "synapse/inbound-endpoint": "inbound-endpoints",
    "synapse/priority-executor": "priority-executors",
}
ORDER = tuple(KINDS.values())
JAVA = ("lib/", "bundle", "service/axis2", "web/application")
"""Types that only a Java server can run: they are left out, and the log says so."""
UNREAD = ("synapse/metadata", "config/property")
"""Types that are no artifacts: metadata is taken from its folder; config.properties names what file.properties must have."""
ROOTS = {"/_system/config": "conf:", "/_system/governance": "gov:", "/_system/local": "local:"}


@dataclass(frozen=True)
class Part:
    """One artifact file of a car."""

    kind: str
    name: str
    file: str
    data: bytes


@dataclass(frozen=True)
class Application:
    """A car: what it holds, and what of it is left out with the reason."""

    name: str
    version: str
    file: str
    parts: tuple[Part, ...] = ()
    resources: dict[str, Resource] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def read_car(data: bytes, file: str, roles: frozenset[str] = ROLES) -> Application | None:
    """Read a car; None for one without dependencies, which is no application. Raises DeploymentError."""
    return _Car(Archive(data, file), file, roles | {""}).read()


class _Car:
    def __init__(self, archive: Archive, file: str, roles: frozenset[str]):
        self.archive = archive
        self.file = file
        self.roles = roles
        self.parts: list[Part] = []
        self.resources: dict[str, Resource] = {}
        self.left_out: list[str] = []

    def read(self) -> Application | None:
        root, reader = self._xml("artifacts.xml")
        found = next((item for item in children(root) if local(item) == "artifact"), root)
        wanted = [item for item in children(found) if local(item) == "dependency"]
        if not wanted:
            return None
        folders = self._folders()
        for item in wanted:
            if (item.get("serverRole") or "") not in self.roles:
                continue
            key = (item.get("artifact") or "", item.get("version") or "")
            if key not in folders:
                has = ", ".join(sorted(name for name, _ in folders))
                raise reader.fail(item, f"dependency {key[0]} {key[1]} is not in the car; it holds {has}")
            self._take(folders[key], key[0])
        self.parts.sort(key=lambda part: ORDER.index(part.kind))
        return Application(
            name=found.get("name") or PurePosixPath(self.file).stem,
            version=found.get("version") or "",
            file=self.file,
            parts=tuple(self.parts),
            resources=self.resources,
            metadata=self._metadata(),
            left_out=tuple(self.left_out),
        )

    def _xml(self, path: str) -> tuple[Element, Reader]:
        return read_xml(self.archive.read(path), f"{self.file}!{path}")

    def _folders(self) -> dict[tuple[str, str], str]:
        found = {}
        for path in sorted(self.archive.names):
            if path.endswith("/artifact.xml"):
                root, _ = self._xml(path)
                found[(root.get("name") or "", root.get("version") or "")] = path.rpartition("/")[0]
        return found

    def _take(self, folder: str, name: str) -> None:
        root, reader = self._xml(f"{folder}/artifact.xml")
        if (root.get("serverRole") or "") not in self.roles:
            return
        kind = root.get("type") or ""
        if kind == "registry/resource":
            self.resources |= dict(self._resources(folder))
        elif kind.startswith(JAVA):
            self.left_out.append(f"{name}: {kind} is for a Java server; use <class> with a Python class instead")
        elif kind in KINDS:
            files = [text_of(item) for item in children(root) if local(item) == "file"]
            if not files:
                raise reader.fail(root, "child <file> is required")
            for file in files:
                path = f"{folder}/{file}"
                self.parts.append(Part(KINDS[kind], name, f"{self.file}!{path}", self.archive.read(path)))
        elif kind not in UNREAD:
            allowed = ", ".join((*KINDS, "registry/resource", *UNREAD, *JAVA))
            raise reader.fail(root, f"attribute type={kind!r}: allowed are {allowed}")

    def _resources(self, folder: str) -> Iterator[tuple[str, Resource]]:
        path = f"{folder}/registry-info.xml"
        if path not in self.archive.names:
            return
        root, reader = self._xml(path)
        for item in children(root):
            if local(item) == "item":
                file = text_of(child(item, "file"))
                yield self._key(item, file, reader), self._resource(item, f"{folder}/resources/{file}")
            elif local(item) == "collection":
                yield from self._collection(item, folder, reader)
            elif local(item) == "dump":
                raise reader.fail(item, "a dump of a Java registry cannot be read; allowed are item and collection")

    def _collection(self, item: Element, folder: str, reader: Reader) -> Iterator[tuple[str, Resource]]:
        directory = text_of(child(item, "directory"))
        key = self._key(item, "", reader)
        below = f"{folder}/resources/{directory}/" if directory else ""
        yield key, Resource(b"", "", _properties(item), collection=True)
        for name in sorted(self.archive.names) if below else ():
            if name.startswith(below):
                yield f"{key.rstrip('/')}/{name.removeprefix(below)}", Resource(self.archive.read(name))

    def _resource(self, item: Element, path: str) -> Resource:
        return Resource(self.archive.read(path), text_of(child(item, "mediaType")), _properties(item))

    @staticmethod
    def _key(item: Element, file: str, reader: Reader) -> str:
        path = text_of(child(item, "path"))
        for prefix, scheme in ROOTS.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                below = "/".join(part for part in (path.removeprefix(prefix).strip("/"), file) if part)
                if below and not safe(below):
                    break
                return f"{scheme}/{below}"
        raise reader.fail(
            item, f"child <path> {path!r} with <file> {file!r}: a path below {', '.join(ROOTS)} is expected"
        )

    def _metadata(self) -> dict[str, str]:
        return {
            PurePosixPath(path).name: self.archive.read(path).decode("utf-8", "replace")
            for path in sorted(self.archive.names)
            if path.startswith("metadata/") and path.endswith((".yaml", ".yml"))
        }


def _properties(item: Element) -> dict[str, str]:
    holder = child(item, "properties")
    found = children(holder) if holder is not None else []
    return {one.get("key") or one.get("name") or "": one.get("value") or text_of(one) for one in found}


__all__ = ["Application", "DeploymentError", "Part", "read_car"]
