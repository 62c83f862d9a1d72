"""Calls to key managers elsewhere: to checked addresses only, without redirects, with bounds on time and size.

A name is looked up once, every address it has must be allowed, and the connection goes to exactly one of those: neither a name
that resolves to an inner address nor one that changes its mind leads us elsewhere. What is sent and answered is never logged.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

import urllib3
from django.conf import settings

SECONDS = 10.0
MOST_BYTES = 1024 * 1024
LONGEST_URL = 2000
PORTS = {"http": 80, "https": 443}
AGENT = {"user-agent": "apim-keymanager", "accept": "application/json", "accept-encoding": "identity"}


class Unreachable(Exception):
    """No usable answer; the text says why, without credentials and without the query of the address."""


@dataclass(frozen=True)
class Answer:
    """What was answered, at most MOST_BYTES."""

    status: int
    body: bytes
    address: str

    def json(self) -> dict[str, Any]:
        """The JSON object in the body. Raises Unreachable when it is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Unreachable(f"{self.address} answered {self.status} with something else than JSON.") from error
        if not isinstance(found, dict):
            raise Unreachable(f"{self.address} answered {self.status} with something else than a JSON object.")
        return found


def call(
    method: str,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
    body: dict[str, Any] | None = None,
) -> Answer:
    """One call, with a form or a JSON `body`. Raises Unreachable for an address that may not be asked or does not answer."""
    parts = checked(url)
    sent = {**AGENT, **(headers or {}), "host": parts.netloc}
    content: bytes | None = None
    if form is not None:
        sent["content-type"], content = "application/x-www-form-urlencoded", urlencode(form).encode()
    elif body is not None:
        sent["content-type"], content = "application/json", json.dumps(body).encode()
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    shown = url.partition("?")[0][:200]
    try:
        with _pool(parts) as pool:
            answer = pool.urlopen(method, target, content, headers=sent, redirect=False, preload_content=False)
            text = answer.read(MOST_BYTES + 1, decode_content=False)
            answer.close()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise Unreachable(f"{shown} does not answer: {_reason(error)}.") from error
    if len(text) > MOST_BYTES:
        raise Unreachable(f"{shown} answered with more than {MOST_BYTES // 1024} KB.")
    return Answer(answer.status, bytes(text), shown)


def checked(url: str) -> SplitResult:
    """The parts of an address; looks no name up. Raises Unreachable saying what is wrong with it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Unreachable(f"{url[:200]!r} is not an address: {error}.") from error
    plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in PORTS or not parts.hostname or port == 0 or len(url) > LONGEST_URL or not plain:
        raise Unreachable(f"{url[:200]!r} is not an address of the form https://host/path.")
    if "@" in parts.netloc or parts.fragment:
        raise Unreachable("An address must hold no user name and no fragment.")
    return parts


def _pool(parts: SplitResult) -> urllib3.HTTPConnectionPool:
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    options: dict[str, Any] = {"timeout": urllib3.Timeout(total=SECONDS), "retries": False, "maxsize": 1}
    address = resolved(host, port)
    if parts.scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, **options)
    authorities = settings.APIM.key_manager_ca
    if authorities is not None:
        options["ca_certs"] = str(authorities)
    return urllib3.HTTPSConnectionPool(address, port, server_hostname=host, assert_hostname=host, **options)


def resolved(host: str, port: int) -> str:
    """The address to connect to. Raises Unreachable when the host is not known, or one of its addresses may not be asked."""
    try:
        found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"The host {host!r} is not known.") from error
    for address in found:
        if not _allowed(address):
            raise Unreachable(
                f"{host} is at {address}, an address of an inner network; such are asked when "
                "APIM_KEY_MANAGER_NETWORKS names them."
            )
    return found[0]


def _allowed(address: str) -> bool:
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    networks = filter(None, (part.strip() for part in settings.APIM.key_manager_networks.split(",")))
    if any(found in ip_network(network, strict=False) for network in networks):
        return True
    return found.is_global and not found.is_multicast


def _reason(error: Exception) -> str:
    """Why in a few words: the library's texts would repeat the target, and that may hold a token.

    The order counts: to the library a connection that fails at once is a kind of time-out.
    """
    if isinstance(error.__cause__, ConnectionRefusedError):
        return "the connection is refused"
    kinds = {
        urllib3.exceptions.SSLError: "its certificate is not trusted",
        urllib3.exceptions.NewConnectionError: "it cannot be reached",
        urllib3.exceptions.ConnectTimeoutError: "it cannot be reached in time",
        urllib3.exceptions.TimeoutError: "it takes too long",
    }
    return next((text for kind, text in kinds.items() if isinstance(error, kind)), type(error).__name__)
