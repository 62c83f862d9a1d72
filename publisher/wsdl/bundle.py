"""The files of one WSDL: the main one and what it imports, from a file, an archive or an address; kept as one text."""

from __future__ import annotations

import io
import json
import posixpath
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import etree

from apim.errors import FieldError
from publisher.checks.basics import storable
from publisher.errors import BadDefinition
from publisher.fetching import fetch

MOST_BYTES = 5 * 1024 * 1024
MOST_FILES = 100
WSDL11 = "http://schemas.xmlsoap.org/wsdl/"
WSDL20 = "http://www.w3.org/ns/wsdl"
XSD = "http://www.w3.org/2001/XMLSchema"
_PARSER = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
_IMPORTS = {
    f"{{{WSDL11}}}import": "location",
    f"{{{WSDL20}}}import": "location",
    f"{{{WSDL20}}}include": "location",
    f"{{{XSD}}}import": "schemaLocation",
    f"{{{XSD}}}include": "schemaLocation",
    f"{{{XSD}}}redefine": "schemaLocation",
}


class BadWsdl(BadDefinition):
    """The text is no WSDL that we can take; `fields` name the places."""

    message = "The WSDL is not valid"


@dataclass(frozen=True)
class Bundle:
    """Files by name; `main` is the WSDL itself. Names are paths in an archive, or addresses."""

    main: str
    files: dict[str, str]

    @property
    def text(self) -> str:
        """The WSDL itself."""
        return self.files[self.main]

    def dump(self) -> str:
        """One text that holds everything: the WSDL when there is no other file, else JSON."""
        return self.text if len(self.files) == 1 else json.dumps({"main": self.main, "files": self.files})

    def archive(self) -> bytes:
        """All files as a zip archive; addresses become names."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in self.files.items():
                archive.writestr(urlsplit(name).path.lstrip("/") or "service.wsdl", text)
        return buffer.getvalue()


def load(text: str) -> Bundle:
    """The bundle of a text that `dump` made."""
    if text.lstrip()[:1] == "{":
        kept = json.loads(text)
        return Bundle(kept["main"], kept["files"])
    return Bundle("service.wsdl", {"service.wsdl": text})


def from_upload(content: bytes) -> Bundle:
    """A WSDL file, or a zip archive of one. Raises BadWsdl."""
    if content[:4] == b"PK\x03\x04":
        return _from_archive(content)
    if len(content) > MOST_BYTES:
        raise bad(f"The file is larger than {MOST_BYTES // 1024 // 1024} MB.")
    return Bundle("service.wsdl", {"service.wsdl": _decoded("service.wsdl", content)})


def from_address(url: str) -> Bundle:
    """A WSDL with what it imports from the same host. Raises Invalid when it cannot be fetched, BadWsdl for a bad one."""
    files: dict[str, str] = {}
    waiting = [url.strip()]
    host = urlsplit(waiting[0]).netloc
    size = 0
    while waiting:
        name = waiting.pop(0)
        if name in files:
            continue
        if len(files) == MOST_FILES:
            raise bad(f"It imports more than {MOST_FILES} files.")
        content = fetch(name)
        size += len(content)
        if size > MOST_BYTES:
            raise bad(f"Its files are larger than {MOST_BYTES // 1024 // 1024} MB together.")
        files[name] = _decoded(name, content)
        found = (urljoin(name, one) for one in imports(parse(name, files[name])))
        waiting += [one for one in found if urlsplit(one).netloc == host]
    return Bundle(url.strip(), files)


def parse(name: str, text: str) -> Any:
    """The root element of one file. Raises BadWsdl with the line of what is wrong; document types are refused."""
    try:
        root = etree.fromstring(text.encode(), etree.XMLParser(encoding="utf-8", **_PARSER))
    except etree.XMLSyntaxError as error:
        line = error.lineno or 0
        raise bad(f"Not well-formed XML: {error.msg}", f"{name}, line {line}" if line else name) from error
    if root.getroottree().docinfo.doctype:
        raise bad("It has a document type, which is not taken.", name)
    return root


def imports(root: Any) -> list[str]:
    """What a file wants read besides itself."""
    found = ((_IMPORTS[one.tag], one) for one in root.iter() if isinstance(one.tag, str) and one.tag in _IMPORTS)
    return [place for attribute, one in found if (place := one.get(attribute))]


def missing(bundle: Bundle) -> list[str]:
    """Imports that are not among the files."""
    lost = []
    for name, text in bundle.files.items():
        join = joiner(name)
        lost += [one for one in imports(parse(name, text)) if join(one) not in bundle.files]
    return sorted(set(lost))


def joiner(name: str) -> Callable[[str], str]:
    """From a location in the file `name` to the name of the file meant."""
    if "://" in name:
        return lambda place: urljoin(name, place)
    folder = posixpath.dirname(name)
    return lambda place: place if "://" in place else posixpath.normpath(posixpath.join(folder, place))


def bad(message: str, place: str = "file") -> BadWsdl:
    """The refusal of a definition."""
    return BadWsdl(f"{place}: {message}", [FieldError(place, message)])


def _from_archive(content: bytes) -> Bundle:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        entries = [
            one for one in archive.infolist() if not one.is_dir() and one.filename.endswith((".wsdl", ".xsd", ".xml"))
        ]
        if len(entries) > MOST_FILES or sum(one.file_size for one in entries) > MOST_BYTES:
            raise bad(f"The archive holds more than {MOST_FILES} files or {MOST_BYTES // 1024 // 1024} MB.")
        # Of the other methods the library unpacks all there is before it looks at any bound.
        if any(one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for one in entries):
            raise bad("The archive is packed by a method that is not taken; use deflate.")
        files = {posixpath.normpath(one.filename): _decoded(one.filename, archive.read(one)) for one in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise bad(f"The archive cannot be read: {error}") from error
    mains = [name for name in files if name.endswith(".wsdl")]
    imported = {joiner(name)(one) for name in mains for one in imports(parse(name, files[name]))}
    roots = [name for name in mains if name not in imported] or mains
    if not roots:
        raise bad("The archive holds no .wsdl file.")
    if len(roots) > 1:
        raise bad(f"The archive holds several WSDLs that none of the others imports: {', '.join(sorted(roots)[:5])}.")
    return Bundle(roots[0], files)


def _decoded(name: str, content: bytes) -> str:
    """The text of a file in whatever encoding its XML declaration names, as UTF-8."""
    try:
        root = etree.fromstring(content, etree.XMLParser(**_PARSER))
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 0) or 0
        raise bad(f"Not well-formed XML: {error}", f"{name}, line {line}" if line else name) from error
    if root.getroottree().docinfo.doctype:
        raise bad("It has a document type, which is not taken.", name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = etree.tostring(root.getroottree(), encoding="unicode")
    if not storable(text):
        raise bad("Not valid Unicode text.", name)
    return text
