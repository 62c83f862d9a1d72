"""What a request head must be like before a handler sees it; the parser below has its own, stricter view of the bytes."""

from __future__ import annotations

import re

from wire.exchange import Exchange
from wire.heads import Header, tokens

HEADER_COUNT = 128
"""Headers of one request."""

KNOWN_HOSTS = 1024
"""Valid `host` values that are remembered."""

_host = re.compile(rb"(?:[\w.~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{0,5}))?", re.ASCII).fullmatch

good_hosts: set[bytes | None] = set()
"""Hosts that were found valid, so that a call costs a look-up only."""


class Refused(Exception):
    """A request that must not reach a handler: the status to answer and a sentence for the caller."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


def is_host(value: bytes) -> bool:
    """Whether `value` is a host name or address with an optional port (RFC 3986, 3.2.2; no escapes, no user)."""
    found = _host(value)
    return found is not None and int(found[1] or 0) <= 65535


def check_host(exchange: Exchange) -> None:
    """Raises Refused for a missing or invalid `host`, which HTTP/1.0 callers may leave out; remembers a valid one."""
    host = exchange.fields.get(b"host")
    if host is None:
        if exchange.minor:
            raise Refused(400, "the host header is missing")
        return
    if not is_host(host):
        raise Refused(400, "the host header is not a host name or address with an optional port")
    if len(good_hosts) >= KNOWN_HOSTS:
        good_hosts.clear()
    good_hosts.add(host)


def origin_form(method: bytes, target: bytes, headers: list[Header]) -> bytes:
    """The path and query of a target in absolute form, whose authority becomes the host (RFC 9112, 3.2.2).

    Raises Refused for what cannot be routed.
    """
    if b"#" in target:
        raise Refused(400, "a request target has no fragment")
    if method == b"CONNECT" or (target == b"*" and method == b"OPTIONS"):
        return target
    scheme, mark, rest = target.partition(b"://")
    if not mark or scheme.lower() not in (b"http", b"https"):
        raise Refused(400, "the request target must be a path or an http address")
    authority = re.split(rb"[/?]", rest, maxsplit=1)[0]
    if not is_host(authority):
        raise Refused(400, "the request target names no valid host")
    if sum(name == b"host" for name, _ in headers) > 1:
        raise Refused(400, "the host header was sent twice")
    headers[:] = [(name, authority if name == b"host" else value) for name, value in headers]
    path = rest[len(authority) :]
    return path if path[:1] == b"/" else b"/" + path


def check_size(target: bytes, headers: list[Header], limit: int) -> None:
    """Raises Refused when a head that came in one large read is too long."""
    if len(target) > limit:
        raise Refused(414, f"the request target is longer than {limit} bytes")
    if sum(len(name) + len(value) + 4 for name, value in headers) + len(target) > limit:
        raise Refused(431, f"the request head is longer than {limit} bytes")


def look_at_body(exchange: Exchange) -> None:
    """Notes whether a body follows. Raises Refused for a transfer coding that is not known here."""
    coding = exchange.fields.get(b"transfer-encoding")
    if coding is None:
        exchange.has_body = exchange.fields[b"content-length"].strip() != b"0"
        return
    if not exchange.minor:
        raise Refused(400, "HTTP/1.0 has no transfer-encoding")
    if tokens(coding) != [b"chunked"]:
        raise Refused(501, "the only transfer-encoding known here is chunked")
    exchange.has_body = True


def look_at_expect(exchange: Exchange) -> None:
    """Notes that the caller waits for a 100. Raises Refused for other expectations."""
    if exchange.fields[b"expect"].lower() != b"100-continue":
        raise Refused(417, "the only expectation known here is 100-continue")
    exchange.expects = bool(exchange.has_body and exchange.minor)
