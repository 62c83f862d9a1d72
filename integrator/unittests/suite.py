"""What a suite file says: artifacts, cases and mock services as records. A mistake names file, line and element."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

from integrator.engine.errors import DeploymentError, Place
from integrator.engine.reader import Reader, read_xml
from integrator.engine.xmltools import Element, child, children, local, text_of

ROOTS = ("unit-test", "synapse-unit-test")
TESTED = ("sequence", "proxy", "api")
KINDS = {
    "sequence": "sequences",
    "proxy": "proxy-services",
    "api": "api",
    "endpoint": "endpoints",
    "localEntry": "local-entries",
    "template": "templates",
    "messageStore": "message-stores",
}
"""Element of an artifact → folder it is deployed in. Message stores are our addition: <store> needs one."""
SCOPES = ("default", "transport", "axis2")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
HIGHEST = 10
"""Folders above a suite in which its files are looked for; never the root of the file system."""
LARGEST = 16 * 1024 * 1024


@dataclass(frozen=True)
class Artifact:
    """One artifact: its element, and the file and line where that stands."""

    element: Element
    reader: Reader

    @property
    def kind(self) -> str:
        """Name of the element."""
        return local(self.element)

    @property
    def name(self) -> str:
        """Name by which the engine knows it."""
        return self.reader.required(self.element, "key" if self.kind == "localEntry" else "name")


@dataclass(frozen=True)
class RegistryResource:
    """A file of the registry."""

    path: str
    name: str
    content: bytes
    media_type: str


@dataclass(frozen=True)
class Property:
    """A property or header that a case begins with."""

    name: str
    value: str
    scope: str


@dataclass(frozen=True)
class Assertion:
    """What must be equal to `expected`; None: must be there and not be empty."""

    actual: str
    expected: str | None
    message: str
    place: Place


@dataclass(frozen=True)
class Case:
    """One call of the artifact, and what must come of it."""

    name: str
    path: str
    method: str
    protocol: str
    payload: str | None
    properties: tuple[Property, ...]
    assertions: tuple[Assertion, ...]
    place: Place


@dataclass(frozen=True)
class MockResource:
    """What a mock service answers to a request that matches. Empty `payload`: any."""

    sub_context: str
    method: str
    headers: tuple[tuple[str, str], ...]
    payload: str
    status: int
    answer_headers: tuple[tuple[str, str], ...]
    answer: str


@dataclass(frozen=True)
class MockService:
    """Stands in for the endpoint of that name."""

    name: str
    port: int
    context: str
    resources: tuple[MockResource, ...]
    place: Place


@dataclass(frozen=True)
class Suite:
    """One suite file."""

    file: str
    artifact: Artifact
    supportive: tuple[Artifact, ...]
    resources: tuple[RegistryResource, ...]
    connectors: tuple[tuple[str, bytes], ...]
    cases: tuple[Case, ...]
    mocks: tuple[MockService, ...]


def is_suite(file: Path) -> bool:
    """Whether an XML file is a suite, judged by its first 4 KB."""
    with file.open("rb") as stream:
        head = stream.read(4096)
    return any(f"<{name}".encode() in head for name in ROOTS)


def read_file(file: Path) -> Suite:
    """Read a suite file. Raises DeploymentError."""
    try:
        if file.stat().st_size > LARGEST:
            raise DeploymentError(Place(str(file)), f"larger than {LARGEST} bytes")
        return read_suite(file.read_bytes(), str(file), file.parent)
    except OSError as error:
        raise DeploymentError(Place(str(file)), str(error)) from error


def read_suite(data: bytes | str, file: str, folder: Path | None) -> Suite:
    """Read a suite. Paths of other files are looked up from `folder` upwards; None: none are allowed. Raises DeploymentError."""
    root, reader = read_xml(data, file)
    if local(root) not in ROOTS:
        raise reader.fail(root, f"root element <{local(root)}>: allowed are {', '.join(ROOTS)}")
    reader.only(root, ("artifacts", "test-cases", "mock-services"))
    files = Files(folder)
    artifacts = _needed(root, "artifacts", reader)
    reader.only(artifacts, ("test-artifact", "supportive-artifacts", "registry-resources", "connector-resources"))
    tested = _artifact(_needed(_needed(artifacts, "test-artifact", reader), "artifact", reader), reader, files)
    if tested.kind not in TESTED:
        raise tested.reader.fail(tested.element, f"<{tested.kind}> cannot be tested; allowed are {', '.join(TESTED)}")
    cases = tuple(_case(item, reader) for item in _items(root, "test-cases", "test-case", reader))
    if not cases:
        raise reader.fail(root, "at least one <test-case> is required")
    return Suite(
        file,
        tested,
        tuple(_artifact(item, reader, files) for item in _items(artifacts, "supportive-artifacts", "artifact", reader)),
        tuple(
            _resource(item, reader, files)
            for item in _items(artifacts, "registry-resources", "registry-resource", reader)
        ),
        tuple(
            _connector(item, reader, files)
            for item in _items(artifacts, "connector-resources", "connector-resource", reader)
        ),
        cases,
        tuple(_mock(item, reader, files) for item in _items(root, "mock-services", "mock-service", reader)),
    )


@dataclass(frozen=True)
class Files:
    """Finds files that a suite names: relative to its folder, else to a folder above (a project's root)."""

    folder: Path | None

    def find(self, element: Element, reader: Reader) -> Path:
        """The file that an element's text names. Raises DeploymentError."""
        name = text_of(element)
        if self.folder is None:
            raise reader.fail(element, "the content itself is expected here, not the name of a file")
        base = self.folder.resolve()
        for above in (base, *base.parents[:-1])[:HIGHEST]:
            found = (above / name.lstrip("/")).resolve()
            if found.is_file() and found.is_relative_to(above):
                return found
        raise reader.fail(element, f"file {name!r} is neither below {base} nor below a folder above it")


def _needed(element: Element, name: str, reader: Reader) -> Element:
    found = child(element, name)
    if found is None:
        raise reader.fail(element, f"child <{name}> is required")
    return found


def _items(element: Element, holder: str, name: str, reader: Reader) -> list[Element]:
    found = child(element, holder)
    if found is None:
        return []
    reader.only(found, (name,))
    return list(children(found))


def _artifact(element: Element, reader: Reader, files: Files) -> Artifact:
    inline = next(iter(children(element)), None)
    if inline is None:
        file = files.find(element, reader)
        inline, reader = read_xml(file.read_bytes(), file)
    if local(inline) not in KINDS:
        raise reader.fail(inline, f"element <{local(inline)}>: allowed are {', '.join(KINDS)}")
    return Artifact(inline, reader)


def _resource(element: Element, reader: Reader, files: Files) -> RegistryResource:
    reader.only(element, ("file-name", "artifact", "registry-path", "media-type"))
    path, name = text_of(_needed(element, "registry-path", reader)), text_of(_needed(element, "file-name", reader))
    if not path.startswith(("/_system/governance", "/_system/config")) or ".." in path or "/" in name:
        raise reader.fail(
            element, f"registry-path {path!r}: a path below /_system/governance or /_system/config is expected"
        )
    content = _needed(element, "artifact", reader)
    inline = next(iter(children(content)), None)
    if inline is not None:
        data = _source(inline)
    else:
        text = content.text or ""
        looks_like_file = files.folder is not None and "\n" not in text.strip() and "<" not in text and "{" not in text
        data = files.find(content, reader).read_bytes() if looks_like_file and "/" in text else text.encode()
    return RegistryResource(path.rstrip("/"), name, data, text_of(child(element, "media-type")))


def _source(element: Element) -> bytes:
    from lxml import etree  # noqa: PLC0415

    return etree.tostring(element, with_tail=False)  # type: ignore[no-any-return]


def _connector(element: Element, reader: Reader, files: Files) -> tuple[str, bytes]:
    text = text_of(element)
    if text.endswith(".zip"):
        file = files.find(element, reader)
        return file.name, file.read_bytes()
    try:
        return f"connector-{element.sourceline}.zip", base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise reader.fail(element, "the path of a .zip, or its content as base64, is expected") from error


def _case(element: Element, reader: Reader) -> Case:
    reader.only(element, ("input", "assertions"))
    given = child(element, "input")
    if given is not None:
        reader.only(given, ("request-path", "request-method", "request-protocol", "payload", "properties"))
    method = (text_of(_of(given, "request-method")) or "POST").upper()
    protocol = (text_of(_of(given, "request-protocol")) or "http").lower()
    if method not in METHODS:
        raise reader.fail(given, f"request-method {method!r}: allowed are {', '.join(METHODS)}")
    if protocol not in ("http", "https"):
        raise reader.fail(given, f"request-protocol {protocol!r}: allowed are http, https")
    properties = _items(given, "properties", "property", reader) if given is not None else []
    assertions = _needed(element, "assertions", reader)
    reader.only(assertions, ("assertEquals", "assertNotNull"))
    found = tuple(_assertion(item, reader) for item in children(assertions))
    if not found:
        raise reader.fail(assertions, "at least one of <assertEquals>, <assertNotNull> is required")
    return Case(
        reader.required(element, "name"),
        text_of(_of(given, "request-path")),
        method,
        protocol,
        _payload(_of(given, "payload")),
        tuple(_property(item, reader) for item in properties),
        found,
        reader.place(element),
    )


def _of(element: Element | None, name: str) -> Element | None:
    return None if element is None else child(element, name)


def _payload(element: Element | None) -> str | None:
    """Text of a payload; its element where the XML stands there as it is."""
    if element is None:
        return None
    inner = next(iter(children(element)), None)
    return _source(inner).decode() if inner is not None else uncovered(text_of(element))


def uncovered(text: str) -> str:
    """Text without a CDATA wrapper that was written as text."""
    text = text.strip()
    return text[9:-3].strip() if text.startswith("<![CDATA[") and text.endswith("]]>") else text


def _property(element: Element, reader: Reader) -> Property:
    scope = reader.choice(element, "scope", SCOPES, "default")
    return Property(reader.required(element, "name"), element.get("value") or "", scope)


def _assertion(element: Element, reader: Reader) -> Assertion:
    equal = local(element) == "assertEquals"
    reader.only(element, ("actual", "expected", "message") if equal else ("actual", "message"))
    actual = text_of(_needed(element, "actual", reader))
    if not actual:
        raise reader.fail(element, "<actual> is empty")
    expected = _payload(_needed(element, "expected", reader)) or "" if equal else None
    return Assertion(actual, expected, text_of(child(element, "message")), reader.place(element))


def _mock(element: Element, reader: Reader, files: Files) -> MockService:
    if not children(element):
        file = files.find(element, reader)
        element, reader = read_xml(file.read_bytes(), file)
    reader.only(element, ("service-name", "port", "context", "resources"))
    context = text_of(child(element, "context"))
    if context and not context.startswith("/"):
        raise reader.fail(element, f"context {context!r}: it must begin with /")
    return MockService(
        text_of(_needed(element, "service-name", reader)),
        reader.integer(element, text_of(child(element, "port")), "port", 0),
        context.rstrip("/"),
        tuple(_mock_resource(item, reader) for item in _items(element, "resources", "resource", reader)),
        reader.place(element),
    )


def _mock_resource(element: Element, reader: Reader) -> MockResource:
    reader.only(element, ("sub-context", "method", "request", "response"))
    request, response = child(element, "request"), _needed(element, "response", reader)
    method = (text_of(child(element, "method")) or "GET").upper()
    if method not in METHODS:
        raise reader.fail(element, f"method {method!r}: allowed are {', '.join(METHODS)}")
    status = reader.integer(response, text_of(child(response, "status-code")), "status-code", 200)
    if not 200 <= status <= 599:
        raise reader.fail(response, f"status-code {status}: allowed are 200 to 599")
    return MockResource(
        text_of(child(element, "sub-context")),
        method,
        _headers(request, reader),
        _payload(_of(request, "payload")) or "",
        status,
        _headers(response, reader),
        _payload(child(response, "payload")) or "",
    )


def _headers(element: Element | None, reader: Reader) -> tuple[tuple[str, str], ...]:
    if element is None:
        return ()
    return tuple(
        (reader.required(item, "name"), item.get("value") or "")
        for item in _items(element, "headers", "header", reader)
    )
