"""The one table of answers the gateway gives by itself: codes, texts and forms that clients of WSO2 know (reference A13)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import formatdate
from time import gmtime, strftime
from xml.sax.saxutils import escape

from wire.exchange import Exchange

JSON = b"application/json; charset=UTF-8"
XML = b"application/xml; charset=UTF-8"
SOAP11 = b"text/xml; charset=UTF-8"
SOAP12 = b"application/soap+xml"

CHALLENGE = 'OAuth2 realm="WSO2 API Manager", error="invalid_token", error_description="The provided token is invalid"'

_NAMESPACES = {
    "security": ("ams", "http://wso2.org/apimanager/security"),
    "throttling": ("amt", "http://wso2.org/apimanager/throttling"),
    "general": ("am", "http://wso2.org/apimanager"),
}


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

    def fields(self) -> dict[str, str]:
        """The body as name and value, in the order clients see; every value is text."""
        shown = {"code": self.code}
        if self.type:
            shown["type"] = self.type
        if self.message:
            shown["message"] = self.message
        shown["description"] = self.description
        if self.next_access:
            shown["nextAccessTime"] = self.next_access
        return shown


def _general(status: int, code: str, description: str, message: str = "Runtime Error") -> Fault:
    return Fault(status, code, message, description, type="Status report")


def _security(status: int, code: str, message: str, description: str = "") -> Fault:
    lines = f"www-authenticate: {CHALLENGE}\r\n".encode() if status == 401 else b""
    return Fault(status, code, message, description or message, "security", lines=lines)


NOT_FOUND = _general(404, "404", "The requested resource is not available.", "Not Found")
NO_RESOURCE = _general(404, "404", "No matching resource found for given API Request")
NOT_ALLOWED = _general(405, "405", "Method not allowed for given API resource")
BAD_PATH = Fault(
    400,
    "400",
    "Bad Request",
    "The path has a dot segment (. or ..), a NUL or a broken percent escape",
    type="Status report",
)
TWO_MEANINGS = Fault(
    400,
    "400",
    "Bad Request",
    "The path has an escaped slash or a backslash, and read as a slash it leads to a resource with other rights",
    type="Status report",
)
NOT_READY = _general(503, "503", "The gateway has not received its configuration yet", "Service Unavailable")
BLOCKED = Fault(
    503,
    "700700",
    "",
    "This API has been blocked temporarily. Please try again later or contact the system administrators.",
    type="API blocked",
)
UNCLASSIFIED = _security(500, "900900", "Unclassified Authentication Failure")
INVALID = _security(
    401,
    "900901",
    "Invalid Credentials",
    "Invalid Credentials. Make sure you have provided the correct security credentials",
)
WRONG_TOKEN_TYPE = _security(401, "900905", "Incorrect Access Token Type is provided")
SUBSCRIPTION_BLOCKED = _security(401, "900907", "The requested API is temporarily blocked")
FORBIDDEN = _security(
    403,
    "900908",
    "Resource forbidden ",
    "User is NOT authorized to access the Resource. API Subscription validation failed.",
)
SUBSCRIPTION_INACTIVE = _security(401, "900909", "The subscription to the API is inactive")
AUDIENCE = _security(403, "900914", "Invalid JWT token. Audience not allowed")
NO_SANDBOX = _general(403, "900901", "Sandbox key offered to the API with no sandbox endpoint")
NO_PRODUCTION = _general(403, "900901", "Production key offered to the API with no production endpoint")
CONNECT_FAILED = _general(500, "101503", "Error connecting to the back end")
SEND_TIMEOUT = _general(504, "101504", "Send timeout")
CONNECTION_CLOSED = _general(500, "101505", "The back end closed the connection before it answered")
PROTOCOL_VIOLATION = _general(500, "101506", "The back end did not answer in valid HTTP")
CONNECT_TIMEOUT = _general(504, "101508", "Connection timeout")


def too_large(limit: int) -> Fault:
    """The request body is longer than what a policy that reads it allows."""
    return Fault(
        413, "413", "Payload Too Large", f"The request body is longer than {limit} bytes", type="Status report"
    )


def missing_credentials(header: str) -> Fault:
    """900902, naming the header in which this API wants its token."""
    return _security(
        401,
        "900902",
        "Missing Credentials",
        "Missing Credentials. Make sure your API invocation call has a header: "
        f"'{header} : Bearer ACCESS_TOKEN' or '{header} : Basic ACCESS_TOKEN' or 'apikey : API_KEY'",
    )


def missing_scope(resource: str) -> Fault:
    """900910 for one resource template."""
    return _security(
        403,
        "900910",
        "The access token does not allow you to access the requested resource",
        f"User is NOT authorized to access the Resource: {resource}. Scope validation failed.",
    )


def throttled(code: str, ends: float) -> Fault:
    """The 429 of a limit (900800 API, 900802 operation, 900803 application, 900804 quota, 900807 burst) until `ends`."""
    moment = strftime("%Y-%b-%d %H:%M:%S+0000 UTC", gmtime(ends))
    return Fault(
        429,
        code,
        "Message throttled out",
        f"You have exceeded your quota .You can access API after {moment}",
        "throttling",
        lines=f"retry-after: {formatdate(ends, usegmt=True)}\r\n".encode(),
        next_access=moment,
    )


def render(fault: Fault, exchange: Exchange) -> tuple[bytes, bytes]:
    """Content type and body in the form the caller understands: SOAP for SOAP calls, XML where only XML is accepted."""
    content_type = exchange.fields.get(b"content-type", b"").lower()
    if content_type.startswith(SOAP12) or (content_type.startswith(b"text/xml") and b"soapaction" in exchange.fields):
        return SOAP11, _soap(fault)
    accept = exchange.fields.get(b"accept", b"").lower()
    if b"xml" in accept and b"json" not in accept and b"*/*" not in accept:
        return XML, _xml(fault)
    return JSON, json.dumps(fault.fields(), separators=(",", ":")).encode()


def _xml(fault: Fault) -> bytes:
    prefix, namespace = _NAMESPACES[fault.family]
    inside = "".join(f"<{prefix}:{name}>{escape(value)}</{prefix}:{name}>" for name, value in fault.fields().items())
    return f'<{prefix}:fault xmlns:{prefix}="{namespace}">{inside}</{prefix}:fault>'.encode()


def _soap(fault: Fault) -> bytes:
    side = "Client" if fault.family == "security" else "Server"
    reason = "Authentication Failure" if fault.family == "security" else fault.message or fault.type
    envelope = "http://schemas.xmlsoap.org/soap/envelope/"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{envelope}"><soapenv:Body>'
        f"<soapenv:Fault><faultcode>soapenv:{side}</faultcode><faultstring>{escape(reason)}</faultstring>"
        f"<detail>{escape(fault.message or fault.description)}</detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    ).encode()
