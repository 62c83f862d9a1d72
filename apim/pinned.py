"""One HTTP call to one address that was looked up and checked before: no redirects, bounded in time and size.

What fails is urllib3's or the system's exception, or Dripping; `reason` says it in words that repeat neither target nor headers.
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult

import urllib3

from apim.addresses import port_of

PIECE = 64 * 1024
REFUSED = "the connection is refused"
UNTRUSTED = "its certificate is not trusted"
NO_TLS = "it does not speak TLS there"
UNREACHED = "it cannot be reached"
UNREACHED_IN_TIME = "it cannot be reached in time"
SLOW = "it takes too long"
SYMPTOMS: tuple[tuple[type[Exception], str], ...] = (
    (urllib3.exceptions.SSLError, UNTRUSTED),
    # Before the time-out, which the library makes its base.
    (urllib3.exceptions.NewConnectionError, UNREACHED),
    (urllib3.exceptions.ConnectTimeoutError, UNREACHED_IN_TIME),
    (urllib3.exceptions.TimeoutError, SLOW),
)


class Dripping(Exception):
    """The answer was not complete in time."""


FAILURES = (urllib3.exceptions.HTTPError, OSError, ValueError, Dripping)
"""What a call may raise."""


@dataclass(frozen=True)
class Answer:
    """What was answered: at most as many bytes as were asked for, `whole` when that was all."""

    status: int
    body: bytes
    whole: bool


@dataclass(frozen=True)
class Bounds:
    """Seconds without a byte, seconds for the whole body, and bytes of it."""

    seconds: float
    whole_seconds: float
    most: int
    connect_seconds: float | None = None

    def timeout(self) -> urllib3.Timeout:
        """As the library wants it."""
        if self.connect_seconds is None:
            return urllib3.Timeout(total=self.seconds)
        return urllib3.Timeout(connect=self.connect_seconds, read=self.seconds)


def pool(parts: SplitResult, address: str, bounds: Bounds, **tls: Any) -> urllib3.HTTPConnectionPool:
    """Connections to `address` in the name of the host; `tls` as urllib3 has it (ca_certs, ssl_context …)."""
    options: dict[str, Any] = {"timeout": bounds.timeout(), "retries": False, "maxsize": 1}
    if parts.scheme == "http":
        return urllib3.HTTPConnectionPool(address, port_of(parts), **options)
    host = parts.hostname
    return urllib3.HTTPSConnectionPool(
        address, port_of(parts), server_hostname=host, assert_hostname=host, **options, **tls
    )


def target(parts: SplitResult) -> str:
    """Path and query, as they stand in a request."""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def ask(
    connections: urllib3.HTTPConnectionPool,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes | None,
    bounds: Bounds,
) -> Answer:
    """One call; the answer's coding is asked to be none. Raises FAILURES."""
    sent = {"accept-encoding": "identity", **headers}
    answer = connections.urlopen(method, path, body, headers=sent, redirect=False, preload_content=False)
    try:
        data = _body(answer, bounds)
    finally:
        answer.close()
    return Answer(answer.status, data[: bounds.most], len(data) <= bounds.most)


def _body(answer: urllib3.BaseHTTPResponse, bounds: Bounds) -> bytes:
    """At most `bounds.most` bytes and one more."""
    data, until = bytearray(), time.monotonic() + bounds.whole_seconds
    while room := bounds.most + 1 - len(data):
        piece = answer.read1(min(PIECE, room), decode_content=False)
        if not piece:
            break
        data += piece
        if time.monotonic() > until:
            raise Dripping(f"The answer was not complete after {bounds.whole_seconds:g} s.")
    return bytes(data)


def reason(error: Exception) -> str:
    """Why a call failed, in a few words of this module; the library's would repeat the target, which may hold a token."""
    if isinstance(error.__cause__, ConnectionRefusedError):
        return REFUSED
    if isinstance(error, Dripping):
        return SLOW
    wrapped = error.args[0] if isinstance(error, urllib3.exceptions.SSLError) and error.args else None
    if isinstance(wrapped, ssl.SSLError) and not isinstance(wrapped, ssl.SSLCertVerificationError):
        return NO_TLS
    return next((words for kind, words in SYMPTOMS if isinstance(error, kind)), type(error).__name__)
