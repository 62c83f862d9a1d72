"""Building blocks of HTTP/1.1 message heads, prepared once so that answering a call is concatenation only."""

from __future__ import annotations

import time
from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus

Header = tuple[bytes, bytes]

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    }
)
"""Header names that belong to one connection and are never passed on (RFC 9110, 7.6.1)."""

BODILESS = frozenset({204, 304})
"""Final statuses that never carry a body (RFC 9112, 6.3)."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_STATUS_LINES = {int(status): f"HTTP/1.1 {int(status)} {status.phrase}\r\n".encode() for status in HTTPStatus}


def status_line(status: int) -> bytes:
    """The status line with its CRLF; statuses without a registered phrase get an empty one."""
    line = _STATUS_LINES.get(status)
    return line if line is not None else b"HTTP/1.1 %d \r\n" % status


class _DateLine:
    """The `date` header of the running second, made once per second."""

    __slots__ = ("line", "second")

    def __init__(self) -> None:
        self.second = 0
        self.line = b""

    def __call__(self) -> bytes:
        second = int(time.time())
        if second != self.second:
            self.second = second
            self.line = b"date: %b\r\n" % formatdate(second, usegmt=True).encode()
        return self.line


date_line = _DateLine()
"""Call it for the `date` header line of now, with CRLF."""


_line = b": ".join


def block(headers: Iterable[Header]) -> bytes:
    """Headers as lines with CRLF. Raises ValueError for a name or value that would break out of its line."""
    lines = [*map(_line, headers), b""]
    whole = b"\r\n".join(lines)
    breaks = len(lines) - 1
    if whole.count(b"\n") != breaks or whole.count(b"\r") != breaks or b"\0" in whole:
        lines = [line + b"\r\n" for line in lines[:-1]]
        bad = next(line for line in lines if line.count(b"\n") != 1 or line.count(b"\r") != 1 or b"\0" in line)
        raise ValueError(f"header {bad[:-2]!r} has a line break or NUL in its name or value")
    return whole


def tokens(value: bytes) -> list[bytes]:
    """The lower-case members of a comma-separated header value."""
    return [token for part in value.split(b",") if (token := part.strip().lower())]
