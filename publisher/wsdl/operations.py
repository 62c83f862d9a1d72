"""The operations of a WSDL 1.1 with the types of what they take and give, read by zeep from the bundle's own files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lxml import etree
from requests import RequestException
from zeep import Settings
from zeep.exceptions import Error as ZeepError
from zeep.transports import Transport
from zeep.wsdl import Document
from zeep.wsdl.bindings.soap import Soap12Binding, SoapBinding
from zeep.xsd import ComplexType, Element
from zeep.xsd.types import builtins

from publisher.wsdl import encoding
from publisher.wsdl.bundle import Bundle, bad

DEEPEST = 12
MOST_SHAPES = 20_000
_BASE = "http://bundle.invalid/"
"""Stands before the names of files that came in an archive; nothing is ever asked there."""
_NUMBERS = (builtins.Decimal, builtins.Float, builtins.Double)


@dataclass
class Shape:
    """One element. `kind`: object, string, boolean, integer, number; `parts` of an object in their order, `attributes` by name.

    `namespace` is empty for elements that stand in none.
    """

    name: str
    namespace: str = ""
    kind: str = "string"
    format: str = ""
    required: bool = True
    many: bool = False
    parts: list[Shape] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)

    @property
    def flat(self) -> bool:
        """Whether it is one simple value."""
        return self.kind != "object" and not self.many


@dataclass
class SoapOperation:
    """One operation of a binding; `version` is 11 or 12."""

    name: str
    action: str
    version: int
    documentation: str
    request: Shape
    answer: Shape


class _Files(Transport):
    """Reads nothing but the bundle's files."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__()
        self.bundle = bundle

    def load(self, url: str) -> bytes:
        """The content of one file."""
        if url == encoding.NAMESPACE and url not in self.bundle.files:
            return encoding.SCHEMA
        name = url.removeprefix(_BASE)
        if name not in self.bundle.files:
            raise RequestException(f"{name} is not among the files of the WSDL")
        text = self.bundle.files[name]
        return etree.tostring(
            etree.fromstring(text.encode(), etree.XMLParser(encoding="utf-8", resolve_entities=False))
        )


def operations(bundle: Bundle) -> list[SoapOperation]:
    """The operations of the first SOAP binding (1.1 before 1.2). Raises BadWsdl when it cannot be understood."""
    address = bundle.main if "://" in bundle.main else _BASE + bundle.main
    try:
        document = Document(address, _Files(bundle), settings=Settings(forbid_dtd=True, forbid_external=False))
        bindings = [port.binding for service in document.services.values() for port in service.ports.values()]
    except (
        ZeepError,
        RequestException,
        etree.XMLSyntaxError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:
        raise bad(f"It cannot be understood: {str(error)[:300]}", bundle.main) from error
    soap = sorted(
        (one for one in bindings if isinstance(one, SoapBinding)), key=lambda one: isinstance(one, Soap12Binding)
    )
    if not soap:
        raise bad("It has no SOAP binding.", bundle.main)
    reading = _Reading(12 if isinstance(soap[0], Soap12Binding) else 11)
    return [reading.operation(one) for one in soap[0].all().values()]


class _Reading:
    """Reads the shapes of one WSDL and counts them: types nested in types could make more than anybody reads."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.count = 0

    def operation(self, one: Any) -> SoapOperation:
        """One operation of a binding."""
        return SoapOperation(
            name=one.name,
            action=one.soapaction or "",
            version=self.version,
            documentation=str(getattr(one.abstract, "documentation", None) or "").strip()[:2000],
            request=self.body(one.input, one.name),
            answer=self.body(one.output, f"{one.name}Response"),
        )

    def body(self, message: Any, name: str) -> Shape:
        """What stands in the body of a message."""
        body = getattr(message, "body", None)
        return self.shape(body, ()) if isinstance(body, Element) else Shape(name, kind="object")

    def shape(self, element: Any, above: tuple[Any, ...]) -> Shape:
        """The shape of an element; types that hold themselves end where they repeat. Raises BadWsdl for too many."""
        self.count += 1
        if self.count > MOST_SHAPES:
            raise bad(f"Its types have more than {MOST_SHAPES} elements when they are written out.")
        kind = element.type
        made = Shape(
            element.qname.localname,
            namespace=element.qname.namespace or "",
            required=element.min_occurs != 0 and not getattr(element, "nillable", False),
            many=element.max_occurs != 1,
        )
        if not isinstance(kind, ComplexType):
            made.kind, made.format = _simple(kind)
            return made
        made.kind = "object"
        if kind not in above and len(above) < DEEPEST:
            made.parts = [self.shape(one, (*above, kind)) for _, one in kind.elements if isinstance(one, Element)]
            made.attributes = [name for name, _ in kind.attributes if isinstance(name, str)]
        return made


def _simple(kind: Any) -> tuple[str, str]:
    if isinstance(kind, builtins.Boolean):
        return "boolean", ""
    if isinstance(kind, builtins.Integer):
        return "integer", ""
    if isinstance(kind, _NUMBERS):
        return "number", ""
    if isinstance(kind, builtins.DateTime):
        return "string", "date-time"
    if isinstance(kind, builtins.Date):
        return "string", "date"
    return "string", "byte" if isinstance(kind, builtins.Base64Binary) else ""
