"""The readers of a Smooks configuration that run here: CSV and EDI become XML (reference 3.3, smooks)."""

from __future__ import annotations

import csv
import io
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from integrator.engine.content.edi import Edi, read_model
from integrator.engine.content.jsonxml import xml_text
from integrator.engine.errors import BadPayload, DeploymentError
from integrator.engine.reader import Reader, read_xml
from integrator.engine.xmltools import Element, children, local, namespace, text_of

log = logging.getLogger("integrator.mediation")
CSV_CLASS, EDI_CLASS = "org.milyn.csv.CSVReader", "org.milyn.edisax.SmooksEDIReader"
CSV_NAMESPACES = ("http://www.milyn.org/xsd/smooks/csv-", "https://www.smooks.org/xsd/smooks/csv-")
EDI_NAMESPACES = ("http://www.milyn.org/xsd/smooks/edi-", "https://www.smooks.org/xsd/smooks/edi-")
DRIVER = "org.xml.sax.driver"
NAME = re.compile(r"[A-Za-z_][\w.-]*\Z")
LONGEST_FIELD = 1024 * 1024
csv.field_size_limit(LONGEST_FIELD)

Text = Callable[[str], str | None]


class SmooksReader(ABC):
    """Makes XML of text."""

    @abstractmethod
    def read(self, text: str) -> Element:
        """The text as XML. Raises BadPayload."""


@dataclass(frozen=True)
class CsvReader(SmooksReader):
    """Names of the fields, and how records are written."""

    fields: tuple[str, ...]
    separator: str = ","
    quote: str = '"'
    skip: int = 0
    root: str = "csv-set"
    record: str = "csv-record"

    def read(self, text: str) -> Element:
        """One element a record; a record with another number of fields is left out, and the log says how many were."""
        root = etree.Element(self.root)
        number = left_out = 0
        try:
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=self.separator, quotechar=self.quote):
                number += 1
                if number <= self.skip or not row:
                    continue
                if len(row) != len(self.fields):
                    left_out += 1
                    continue
                record = etree.SubElement(root, self.record, number=str(number - self.skip))
                for name, value in zip(self.fields, row, strict=True):
                    if name != "$ignore$":
                        etree.SubElement(record, name).text = xml_text(value)
        except csv.Error as error:
            raise BadPayload(f"invalid CSV: {error}") from error
        if left_out:
            log.warning("smooks: %d CSV records have not %d fields and are left out", left_out, len(self.fields))
        return root


@dataclass(frozen=True)
class EdiReader(SmooksReader):
    """An EDI mapping model."""

    model: Edi

    def read(self, text: str) -> Element:
        """The segments as the model names them."""
        return self.model.read(text)


def read_configuration(text: str, key: str, entry: Text) -> SmooksReader:
    """The reader of a Smooks configuration. Raises DeploymentError naming what does not run here."""
    root, reader = read_xml(text, key)
    if local(root) != "smooks-resource-list":
        raise reader.fail(root, "root element smooks-resource-list is expected")
    found: SmooksReader | None = None
    for item in children(root):
        if local(item) in ("params", "description"):
            continue
        made = _reader(item, reader, entry)
        if made is None or found is not None:
            raise reader.fail(
                item, "one reader runs here and nothing else: csv:reader, edi:reader or a resource-config of them"
            )
        found = made
    if found is None:
        raise reader.fail(root, "a csv:reader or edi:reader is required")
    return found


def _reader(item: Element, reader: Reader, entry: Text) -> SmooksReader | None:
    given = {name: str(value) for name, value in item.attrib.items()}
    kind = ""
    if local(item) == "reader" and namespace(item).startswith(CSV_NAMESPACES):
        kind = CSV_CLASS
    elif local(item) == "reader" and namespace(item).startswith(EDI_NAMESPACES):
        kind = EDI_CLASS
    elif local(item) == "resource-config" and item.get("selector") == DRIVER:
        kind = next((text_of(part) for part in children(item) if local(part) == "resource"), "")
        given = {part.get("name") or "": text_of(part) for part in children(item) if local(part) == "param"}
    if kind == CSV_CLASS:
        return _csv(item, reader, given)
    if kind == EDI_CLASS:
        return EdiReader(_model(item, reader, given, entry))
    return None


def _csv(item: Element, reader: Reader, given: dict[str, str]) -> CsvReader:
    fields = tuple(name.strip() for name in given.get("fields", "").split(",") if name.strip())
    names = (
        *fields,
        given.get("rootElementName") or "csv-set",
        given.get("recordElementName") or "csv-record",
    )
    wrong = next((name for name in names if name != "$ignore$" and not NAME.match(name)), None)
    if not fields or wrong is not None:
        raise reader.fail(
            item, f"fields {given.get('fields', '')!r}: names of elements separated by commas are expected"
        )
    separator, quote = given.get("separator") or ",", given.get("quote") or given.get("quote-char") or '"'
    if len(separator) != 1 or len(quote) != 1:
        raise reader.fail(item, f"separator {separator!r}, quote {quote!r}: one character each is expected")
    skip = reader.integer(item, given.get("skipLines") or given.get("skip-line-count"), "skipLines", 0)
    return CsvReader(fields, separator, quote, max(0, skip), names[-2], names[-1])


def _model(item: Element, reader: Reader, given: dict[str, str], entry: Text) -> Edi:
    key = given.get("mappingModel") or given.get("mapping-model") or ""
    text = key if key.lstrip().startswith("<") else entry(key) if key else None
    if text is None:
        raise reader.fail(item, f"mappingModel {key!r} is neither a local entry nor in the registry")
    return read_model(*read_xml(text, key if text is not key else reader.file))


__all__ = ["BadPayload", "DeploymentError", "SmooksReader", "read_configuration"]
