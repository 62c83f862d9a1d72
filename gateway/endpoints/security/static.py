"""Securities that are the same for every request: Basic and API keys."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote

from gateway.endpoints.security import Request
from gateway.message import check_header
from gateway.schema import EndpointSecurity
from wire.heads import Header


class Static:
    """A header line, or a query parameter, known beforehand."""

    renewable = False

    def __init__(self, hides: frozenset[bytes], line: bytes = b"", parameter: bytes = b"") -> None:
        self.hides = hides
        self._line = line
        self._parameter = parameter

    def ready(self) -> bool:
        """Always."""
        return True

    async def prepare(self, request: Request) -> None:
        """Nothing to do."""

    def sign(self, request: Request) -> tuple[bytes, bytes]:
        """The target, with our parameter at its end, and our line."""
        target = request.target
        if self._parameter:
            target += (b"&" if b"?" in target else b"?") + self._parameter
        return target, self._line

    def refused(self, headers: list[Header]) -> bool:
        """What was refused once is refused again."""
        return False

    def answered(self, headers: list[Header]) -> None:
        """Nothing to learn."""


def basic(record: EndpointSecurity) -> Static:
    """User name and password (RFC 7617, UTF-8)."""
    credentials = b64encode(f"{record.username}:{record.password}".encode())
    return Static(frozenset({b"authorization"}), b"authorization: Basic %b\r\n" % credentials)


def api_key(record: EndpointSecurity) -> Static:
    """A key in a header or query parameter. Raises ValueError, without the value, when no header can have it."""
    if not record.name:
        raise ValueError("the API key of an endpoint has no name")
    if record.place == "query":
        return Static(frozenset(), parameter=f"{quote(record.name, safe='')}={quote(record.value, safe='')}".encode())
    name = record.name.lower().encode("latin-1", "replace")
    try:
        value = record.value.encode("latin-1")
        check_header(name, value)
    except ValueError:
        raise ValueError(
            f"the API key header {record.name!r} of an endpoint, or its value, is not a header line"
        ) from None
    return Static(frozenset({name}), b"%b: %b\r\n" % (name, value))
