"""Carbon applications: reads a .car file into its artifacts (reference 1.2, 1.3)."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from integrator.engine.errors import DeploymentError, Place
from integrator.engine.reader import read_xml
from integrator.engine.xmltools import children, local, text_of

ROLES = frozenset({"", "EnterpriseIntegrator", "EnterpriseServiceBus", "DataServicesServer"})
KINDS = {
    "synapse/api": "api",
    "synapse/proxy-service": "proxy-services",
    "synapse/sequence": "sequences",
    "synapse/endpoint": "endpoints",
    "synapse/local-entry": "local-entries",
    "synapse/template": "templates",
    "synapse/task": "tasks",
    "synapse/message-store": "message-stores",
    "synapse/message-processors": "message-processors",
    "synapse/inbound-endpoint": "inbound-endpoints",
    "service/dataservice": "dataservices",
    "datasource/datasource": "datasources",
}
ORDER = tuple(KINDS.values())
ROOTS = {"/_system/config": "conf:", "/_system/governance": "gov:"}
MAX_UNPACKED = 100 * 1024 * 1024


@dataclass(frozen=True)
class Part:
    """One artifact file of a car."""

    kind: str
    name: str
    file: str
    data: bytes


@dataclass(frozen=True)
class Application:
    """A car: what it holds, and why it is faulty if it is."""

    name: str
    version: str
    file: str
    parts: tuple[Part, ...] = ()
    resources: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    fault: str = ""


def read_car(data: bytes, file: str) -> Application:
    """Read a car. Raises DeploymentError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(item.file_size for item in archive.infolist()) > MAX_UNPACKED:
                raise DeploymentError(Place(file), f"more than {MAX_UNPACKED} bytes unpacked")
            # Of the other methods the library unpacks all there is before it looks at any bound.
            if any(item.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for item in archive.infolist()):
                raise DeploymentError(Place(file), "packed by a method that is not taken; use deflate")
            return _Car(archive, file).read()
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError) as error:
        raise DeploymentError(Place(file), f"not a readable car file: {error}") from error


class _Car:
    def __init__(self, archive: zipfile.ZipFile, file: str):
        self.archive = archive
        self.file = file
        self.names = archive.namelist()

    def read(self) -> Application:
        root, reader = read_xml(self.archive.read("artifacts.xml"), f"{self.file}!artifacts.xml")
        found = next((item for item in children(root) if local(item) == "artifact"), root)
        name = found.get("name") or PurePosixPath(self.file).stem
        folders = self._folders()
        parts: list[Part] = []
        resources: dict[str, bytes] = {}
        for item in children(found):
            if local(item) != "dependency" or (item.get("serverRole") or "") not in ROLES:
                continue
            key = (item.get("artifact") or "", item.get("version") or "")
            if key not in folders:
                raise reader.fail(
                    item,
                    f"dependency {key[0]} {key[1]} is not in the car; it holds {', '.join(sorted(a for a, _ in folders))}",
                )
            self._take(folders[key], key[0], parts, resources)
        parts.sort(key=lambda part: ORDER.index(part.kind))
        return Application(name, found.get("version") or "", self.file, tuple(parts), resources, self._metadata())

    def _folders(self) -> dict[tuple[str, str], str]:
        found = {}
        for path in self.names:
            if path.endswith("/artifact.xml"):
                root, _ = read_xml(self.archive.read(path), f"{self.file}!{path}")
                found[(root.get("name") or "", root.get("version") or "")] = path.rpartition("/")[0]
        return found

    def _take(self, folder: str, name: str, parts: list[Part], resources: dict[str, bytes]) -> None:
        root, reader = read_xml(self.archive.read(f"{folder}/artifact.xml"), f"{self.file}!{folder}/artifact.xml")
        if (root.get("serverRole") or "") not in ROLES:
            return
        kind = root.get("type") or ""
        if kind == "registry/resource":
            resources |= self._resources(folder)
            return
        if kind == "synapse/metadata":
            return
        if kind not in KINDS:
            raise reader.fail(
                root, f"attribute type={kind!r}: allowed are {', '.join(KINDS)}, registry/resource, synapse/metadata"
            )
        for item in children(root):
            if local(item) == "file":
                path = f"{folder}/{text_of(item)}"
                parts.append(Part(KINDS[kind], name, f"{self.file}!{path}", self.archive.read(path)))

    def _resources(self, folder: str) -> dict[str, bytes]:
        path = f"{folder}/registry-info.xml"
        if path not in self.names:
            return {}
        root, _ = read_xml(self.archive.read(path), f"{self.file}!{path}")
        found = {}
        for item in children(root):
            if local(item) == "item":
                values = {local(part): text_of(part) for part in children(item)}
                for prefix, scheme in ROOTS.items():
                    if values.get("path", "").startswith(prefix):
                        below = values["path"].removeprefix(prefix).strip("/")
                        key = f"{scheme}/{below}/{values['file']}" if below else f"{scheme}/{values['file']}"
                        found[key] = self.archive.read(f"{folder}/resources/{values['file']}")
        return found

    def _metadata(self) -> dict[str, str]:
        return {
            PurePosixPath(path).name: self.archive.read(path).decode("utf-8", "replace")
            for path in self.names
            if path.startswith("metadata/") and path.endswith((".yaml", ".yml"))
        }
