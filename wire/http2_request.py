"""The head of an HTTP/2 request in the terms of HTTP/1.1, with nothing in it that could become something else there."""

from __future__ import annotations

import re
from collections.abc import Iterable

from wire.heads import HOP_BY_HOP, Header
from wire.hygiene import HEADER_COUNT, Refused, is_host

_token = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+").fullmatch
_method = re.compile(rb"[A-Z][A-Z0-9_-]{0,31}").fullmatch
_target = re.compile(rb"/[\x21\x22\x24-\x7e\x80-\xff]*").fullmatch
_value = re.compile(rb"[\t\x20-\x7e\x80-\xff]*").fullmatch


def read(received: Iterable[Header], body: bool) -> tuple[bytes, bytes, list[Header]]:
    """Method, target and headers; `host` from `:authority`, and chunked when a `body` comes without a length.

    Raises Refused for what HTTP/1.1 would not let pass.
    """
    pseudo: dict[bytes, bytes] = {}
    headers: list[Header] = []
    for name, value in received:
        if name[:1] == b":":
            pseudo[name] = value
        else:
            headers.append((bytes(name), bytes(value)))
    method, target = pseudo.get(b":method", b""), pseudo.get(b":path", b"")
    if not _method(method):
        raise Refused(400, "the method is not valid")
    if method == b"CONNECT":
        raise Refused(501, "CONNECT is not offered here")
    if not (_target(target) or (target == b"*" and method == b"OPTIONS")):
        raise Refused(400, "the request target is not valid")
    if len(headers) > HEADER_COUNT:
        raise Refused(431, f"the request has more than {HEADER_COUNT} headers")
    _check(headers)
    authority = pseudo.get(b":authority")
    if authority is not None:
        headers = [(b"host", authority), *(pair for pair in headers if pair[0] != b"host")]
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1 or not is_host(hosts[0]):
        raise Refused(400, "the authority is missing or is not a host name or address with an optional port")
    lengths = [value for name, value in headers if name == b"content-length"]
    if any(not value.isdigit() or (not body and int(value)) for value in lengths):
        raise Refused(400, "the content-length is not that of the body")
    if body and not lengths:
        headers.append((b"transfer-encoding", b"chunked"))
    return bytes(method), bytes(target), headers


def trailers(received: Iterable[Header]) -> list[Header]:
    """Headers that came behind a body; unusable ones are left out."""
    return [
        (bytes(name), bytes(value))
        for name, value in received
        if _token(name) and _value(value) and name not in HOP_BY_HOP and name != b"content-length"
    ]


def _check(headers: list[Header]) -> None:
    for name, value in headers:
        if not _token(name) or not _value(value):
            raise Refused(400, f"the header {name[:40].decode('latin-1')!r} has a name or value that is not valid")
        if name in HOP_BY_HOP and name != b"te":
            raise Refused(400, f"the header {name.decode()} does not exist in HTTP/2")
