"""Lays a suite's artifacts out as the home of an engine: addresses lead to mocks, lines stay those of the suite's file."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

from integrator.engine.errors import DeploymentError, Place
from integrator.engine.reader import read_xml
from integrator.engine.xmltools import Element, child, clone, local, serialise, text_of
from integrator.unittests.mocks import Mock
from integrator.unittests.suite import KINDS, Artifact, Suite

SERVER = Path("repository/deployment/server")
SYNAPSE = SERVER / "synapse-configs/default"
ROOTS = {"/_system/governance": "governance", "/_system/config": "config"}
NOT_BLOCKING = ("sequence", "template")
_SAFE = re.compile(r"[^\w.:-]")


def lay_out(suite: Suite, home: Path, mocks: dict[str, Mock]) -> dict[str, str]:
    """Write everything below `home`; names of the files written → files that people know. Raises DeploymentError."""
    known: dict[str, str] = {}
    for artifact in (*suite.supportive, suite.artifact):
        file = SYNAPSE / KINDS[artifact.kind] / f"{_SAFE.sub('_', artifact.name)}.xml"
        if str(file) in known:
            raise artifact.reader.fail(artifact.element, f"{artifact.kind} {artifact.name!r} is in the suite twice")
        known[str(file)] = artifact.reader.file
        _write(home / file, deployable(artifact, mocks))
    for resource in suite.resources:
        root = next(prefix for prefix in ROOTS if resource.path.startswith(prefix))
        folder = home / "registry" / ROOTS[root] / resource.path.removeprefix(root).strip("/")
        _write(folder / resource.name, resource.content)
        _write(folder / ".metadata" / f"{resource.name}.meta", f"mediaType={resource.media_type}\n".encode())
    for name, data in suite.connectors:
        _write(home / SERVER / "synapse-libs" / name, data)
        _import(home, name, data)
    return known


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def _import(home: Path, name: str, data: bytes) -> None:
    """Enable a connector: its `connector.xml` says which."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            info = archive.getinfo("connector.xml")
            if info.file_size > 1_000_000:
                raise DeploymentError(Place(name), "connector.xml is larger than 1 MB")
            root, reader = read_xml(archive.read(info), f"{name}!connector.xml")
    except (zipfile.BadZipFile, KeyError) as error:
        raise DeploymentError(Place(name), f"not a connector archive: {error}") from error
    component = child(root, "component")
    if component is None:
        raise reader.fail(root, "child <component> is required")
    package, connector = reader.required(component, "package"), reader.required(component, "name")
    text = f'<import xmlns="http://ws.apache.org/ns/synapse" name="{connector}" package="{package}" status="enabled"/>'
    _write(home / SYNAPSE / "imports" / f"{{{package}}}{connector}.xml", text.encode())


def deployable(artifact: Artifact, mocks: dict[str, Mock]) -> bytes:
    """The artifact's text as it is deployed, on the lines on which it stands in its file."""
    element = clone(artifact.element)
    for endpoint in element.iter():
        if isinstance(endpoint.tag, str) and local(endpoint) == "endpoint" and endpoint.get("name") in mocks:
            redirect(endpoint, mocks[endpoint.get("name")].address)
    if artifact.kind in NOT_BLOCKING:
        for call in element.iter():
            if isinstance(call.tag, str) and local(call) == "call":
                call.attrib.pop("blocking", None)
    return ("\n" * max(0, (artifact.element.sourceline or 1) - 1) + serialise(element)).encode()


def redirect(endpoint: Element, address: str) -> None:
    """Let an address or http endpoint lead to a mock service."""
    for item in endpoint:
        if isinstance(item.tag, str):
            for name in ("uri", "uri-template"):
                if item.get(name) is not None:
                    item.set(name, address)


__all__ = ["deployable", "lay_out", "redirect", "text_of"]
