"""Calls to subscribers' callbacks: to checked addresses only, without redirects, with bounds on time and size.

The name is looked up once, every address it has must be allowed, and the connection goes to one of those: a name that leads
elsewhere a moment later changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from apim.websub.errors import BadCallback

SECONDS = 10.0
ANSWER_BYTES = 64 * 1024
PORTS = {"http": 80, "https": 443}


class CallFailed(Exception):
    """The callback gave no usable answer; the text says why."""


@dataclass(frozen=True)
class Answer:
    """What a callback answered, its body cut at ANSWER_BYTES."""

    status: int
    body: bytes


def check(address: str) -> SplitResult:
    """The parts of a callback's address. Raises BadCallback saying what is wrong; looks no name up."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise BadCallback(f"hub.callback: {address[:200]!r} is not an address: {error}.") from error
    if parts.scheme not in PORTS or not parts.hostname or port == 0 or len(address) > 2000:
        raise BadCallback(f"hub.callback: {address[:200]!r} is not of the form https://host/path or http://host/path.")
    if "@" in parts.netloc or parts.fragment or not address.isascii() or any(c.isspace() or c < " " for c in address):
        raise BadCallback("hub.callback must not hold a user, a fragment, spaces or characters that are not ASCII.")
    return parts


def call(method: str, address: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Answer:
    """One call. Raises CallFailed, BadCallback."""
    parts = check(address)
    port = parts.port or PORTS[parts.scheme]
    host = parts.hostname or ""
    connection = _Pinned(host, port, resolve(host, port), parts.scheme == "https")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.read(ANSWER_BYTES))
    except (OSError, HTTPException, ValueError) as error:
        raise CallFailed(f"{type(error).__name__}: {error}"[:250]) from error
    finally:
        connection.close()


def resolve(host: str, port: int) -> str:
    """An allowed address of `host`. Raises CallFailed when it has none or one that is not allowed."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise CallFailed(f"{host} has no address: {error}") from error
    for address in found:
        if not allowed(address):
            raise CallFailed(f"{host} leads to {address}, which is not a public address (APIM_WEBSUB_NETWORKS)")
    return min(found)


def allowed(address: str) -> bool:
    """Whether the hub may call this IP address: a public one, or one of the networks named in the settings."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    networks = filter(None, (part.strip() for part in settings.APIM.websub_networks.split(",")))
    if any(found in ipaddress.ip_network(network, strict=False) for network in networks):
        return True
    return found.is_global and not found.is_multicast


class _Pinned(HTTPConnection):
    """A connection to one address, in the name of its host."""

    def __init__(self, host: str, port: int, address: str, secure: bool) -> None:
        super().__init__(host, port, timeout=SECONDS)
        self._address = address
        self._secure = secure
        if secure:
            self.default_port = PORTS["https"]

    def connect(self) -> None:
        """Connects to the checked address, whatever the name may lead to by now."""
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._secure:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)
