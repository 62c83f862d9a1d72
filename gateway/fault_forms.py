"""How a fault looks on the wire: JSON, XML or a SOAP fault, whichever the caller understands (reference A13)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote
from xml.sax.saxutils import escape

from wire.exchange import Exchange
from wire.http2_stream import Stream

JSON = b"application/json; charset=UTF-8"
XML = b"application/xml; charset=UTF-8"
SOAP11 = b"text/xml; charset=UTF-8"
SOAP12 = b"application/soap+xml; charset=UTF-8"

NAMESPACES = {
    "security": ("ams", "http://wso2.org/apimanager/security"),
    "throttling": ("amt", "http://wso2.org/apimanager/throttling"),
    "general": ("am", "http://wso2.org/apimanager"),
}
"""Prefix and namespace of a family's XML form."""


GRPC = {
    400: b"3", 401: b"16", 403: b"7", 404: b"12", 405: b"12", 413: b"8", 429: b"8", 500: b"13", 503: b"14", 504: b"4",
}  # fmt: skip
"""HTTP status → gRPC status of a refusal."""

_TELLABLE = " !\"#$&'()*+,-./:;<=>?@[]^_`{|}~"
"""What stands in a gRPC message as it is; everything else is percent-encoded."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One refusal. `family` says which form it takes: "security", "throttling" or "general"."""

    status: int
    code: str
    message: str
    description: str
    family: str = "general"
    type: str = ""
    lines: bytes = b""
    """Header lines that belong to it, each with CRLF."""

    next_access: str = ""
    when: str = ""
    """What it is sent for, for the reference page."""

    def fields(self) -> dict[str, str]:
        """The body as name and value, in the order clients see; every value is text."""
        shown = {"code": self.code}
        if self.type:
            shown["type"] = self.type
        if self.message:
            shown["message"] = self.message
        if self.description:
            shown["description"] = self.description
        if self.next_access:
            shown["nextAccessTime"] = self.next_access
        return shown


def render(fault: Fault, exchange: Exchange) -> tuple[bytes, bytes]:
    """Content type and body in the form the caller understands: SOAP for SOAP calls, XML where only XML is accepted."""
    version = soap_version(exchange)
    if version == 12:
        return SOAP12, _soap12(fault)
    if version == 11:
        return SOAP11, _soap11(fault)
    accept = exchange.fields.get(b"accept", b"").lower()
    if b"xml" in accept and b"json" not in accept and b"*/*" not in accept:
        return XML, _xml(fault)
    return JSON, json.dumps(fault.fields(), separators=(",", ":")).encode()


def soap_version(exchange: Exchange) -> int:
    """11 or 12 when the call is a SOAP message, by its content type; 0 when it is none."""
    content_type = exchange.fields.get(b"content-type", b"").lower()
    if content_type.startswith(b"application/soap+xml"):
        return 12
    if content_type.startswith(b"text/xml") and b"soapaction" in exchange.fields:
        return 11
    if content_type.startswith(b"multipart/related"):
        return 12 if b"application/soap+xml" in content_type else 11 if b"text/xml" in content_type else 0
    return 0


def answer(fault: Fault, exchange: Exchange) -> tuple[int, bytes, bytes]:
    """Status, content type and body. gRPC callers get their own status behind an empty answer of 200."""
    kind = exchange.fields.get(b"content-type", b"")
    if kind.startswith(b"application/grpc") and isinstance(exchange.connection, Stream):
        told = quote(f"{fault.code}: {fault.description or fault.message}"[:500], safe=_TELLABLE)
        unreachable = fault.status == 500 and fault.code.startswith("1015")
        code = b"14" if unreachable else GRPC.get(fault.status, b"2")
        exchange.connection.trail([(b"grpc-status", code), (b"grpc-message", told.encode())])
        return 200, b"application/grpc", b""
    return fault.status, *render(fault, exchange)


def _xml(fault: Fault) -> bytes:
    prefix, namespace = NAMESPACES[fault.family]
    inside = "".join(f"<{prefix}:{name}>{escape(value)}</{prefix}:{name}>" for name, value in fault.fields().items())
    return f'<{prefix}:fault xmlns:{prefix}="{namespace}">{inside}</{prefix}:fault>'.encode()


def _soap_parts(fault: Fault) -> tuple[bool, str, str]:
    """Whether the caller is at fault, the reason and the detail."""
    if fault.family == "security":
        return True, "Authentication Failure", escape(fault.message or fault.description)
    return False, escape(fault.message or fault.type), escape(fault.message or fault.description)


def _soap11(fault: Fault) -> bytes:
    callers, reason, detail = _soap_parts(fault)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault>'
        f"<faultcode>soapenv:{'Client' if callers else 'Server'}</faultcode><faultstring>{reason}</faultstring>"
        f"<detail>{detail}</detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    ).encode()


def _soap12(fault: Fault) -> bytes:
    callers, reason, detail = _soap_parts(fault)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://www.w3.org/2003/05/soap-envelope"><soapenv:Body><soapenv:Fault>'
        f"<soapenv:Code><soapenv:Value>soapenv:{'Sender' if callers else 'Receiver'}</soapenv:Value></soapenv:Code>"
        f'<soapenv:Reason><soapenv:Text xml:lang="en">{reason}</soapenv:Text></soapenv:Reason>'
        f"<soapenv:Detail>{detail}</soapenv:Detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    ).encode()
