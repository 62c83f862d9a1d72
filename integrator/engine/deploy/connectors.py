"""Reads a connector archive: connector.xml, its components, and the templates of their operations (reference 1.4, 3.11)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from integrator.engine.artifacts import SequenceTemplate, read_template
from integrator.engine.deploy.archive import Archive, safe
from integrator.engine.errors import DeploymentError
from integrator.engine.libraries import PACKAGE, Library, Operation
from integrator.engine.reader import Reader, read_xml
from integrator.engine.xmltools import Element, child, children, local, text_of

EQUIVALENT = "a Java class of the archive; use a built-in connector, or a Python class of this name that [python] packages allows"


def read_outline(data: bytes, file: str) -> Library:
    """Name, package and operations of an archive; templates are read later, when all connectors are known.

    Raises DeploymentError.
    """
    archive = Archive(data, file)
    root, reader = read_xml(archive.read("connector.xml"), f"{file}!connector.xml")
    component = child(root, "component")
    if component is None:
        raise reader.fail(root, "child <component> is required")
    return Library(
        name=reader.required(component, "name"),
        package=component.get("package") or PACKAGE,
        file=file,
        operations={name: Operation(name, None) for name, *_ in _operations(archive, root, reader)},
        description=text_of(child(component, "description")),
    )


def read_library(data: bytes, file: str, packages: Iterable[str] = ()) -> Library:
    """A connector with its templates; `packages` are those whose Python classes may be named. Raises DeploymentError."""
    archive = Archive(data, file)
    outline = read_outline(data, file)
    root, reader = read_xml(archive.read("connector.xml"), f"{file}!connector.xml")
    operations = {}
    for name, path, item in _operations(archive, root, reader):
        operations[name] = replace(
            _operation(archive, name, path, outline, tuple(packages)),
            description=text_of(child(item, "description")),
            hidden=text_of(child(item, "hidden")).lower() == "true",
        )
    return replace(outline, operations=operations)


def _operations(archive: Archive, root: Element, reader: Reader) -> Iterator[tuple[str, str, Element]]:
    """(operation, template file, element) of every component that connector.xml names."""
    component = child(root, "component")
    for dependency in children(component):
        if local(dependency) != "dependency":
            continue
        folder = reader.required(dependency, "component")
        path = f"{folder}/component.xml"
        if not safe(path) or path not in archive.names:
            raise reader.fail(dependency, f"attribute component={folder!r}: the archive has no {path}")
        part, below = read_xml(archive.read(path), f"{archive.file}!{path}")
        kind = part.get("type") or "synapse/template"
        if kind != "synapse/template":
            raise below.fail(part, f"attribute type={kind!r}: allowed is synapse/template")
        for item in children(child(part, "subComponents") if child(part, "subComponents") is not None else part):
            if local(item) == "component":
                yield from _named(item, below, folder)


def _named(item: Element, reader: Reader, folder: str) -> Iterator[tuple[str, str, Element]]:
    file = text_of(child(item, "file"))
    if not safe(f"{folder}/{file}"):
        raise reader.fail(item, f"child <file> {file!r}: a file of this folder is expected")
    yield reader.required(item, "name"), str(PurePosixPath(folder) / file), item


def _operation(archive: Archive, name: str, path: str, library: Library, packages: tuple[str, ...]) -> Operation:
    root, reader = read_xml(archive.read(path), f"{archive.file}!{path}")
    java = [item for item in root.iter() if local(item) == "class" and not _python(item.get("name") or "", packages)]
    if java:
        named = ", ".join(sorted({item.get("name") or "" for item in java}))
        return Operation(name, None, f"operation {name!r} of connector {library.name!r} needs {named}: {EQUIVALENT}")
    try:
        template = read_template(root, reader)[1]
    except DeploymentError as error:
        return Operation(name, None, f"operation {name!r} of connector {library.name!r} does not run: {error}")
    if not isinstance(template, SequenceTemplate):
        raise reader.fail(root, "a sequence template is expected")
    return Operation(name, replace(template, name=library.template_name(name)))


def _python(name: str, packages: tuple[str, ...]) -> bool:
    module = name.rpartition(".")[0]
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def complain(library: Library) -> list[str]:
    """What of an archive does not run here, one sentence an operation."""
    return [operation.refusal for operation in library.operations.values() if operation.refusal]
