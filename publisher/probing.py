"""Asks an address that somebody typed in whether anybody answers there: one HEAD request, bounded, its answer never shown.

Backends live in inner networks, so those may be asked; link-local addresses (where clouds keep credentials), multicast and
unspecified ones may not. The name is resolved once and the connection goes to exactly that address. Redirects are not followed.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address
from threading import BoundedSemaphore
from urllib.parse import urlsplit

import urllib3

from apim.accounts.models import Organisation
from apim.errors import Conflict
from publisher import backends
from publisher.checks.basics import Problems
from publisher.checks.endpoints import http_url

SECONDS = 5.0
AT_ONCE = 4
"""Addresses asked at the same time by one process."""

_turns = BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Found:
    """What was found. `status` 0: nobody answered, and `error` says why."""

    status: int
    reason: str
    error: str = ""


def probe(organisation: Organisation, url: str) -> Found:
    """Whether somebody answers at `url`. Raises Invalid for what is no address, Conflict while too many are asked."""
    problems = Problems()
    url = http_url(problems, "endpointUrl", url)
    problems.raise_any()
    if not _turns.acquire(blocking=False):
        raise Conflict("Too many addresses are being tested now; try again in a moment.")
    try:
        return _ask(organisation, url)
    finally:
        _turns.release()


def _ask(organisation: Organisation, url: str) -> Found:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        address = str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError):
        return Found(0, "", "Unknown Host")
    if forbidden(ip_address(address.partition("%")[0])):
        return Found(0, "", f"{address} is not asked: it is a link-local, multicast or unspecified address")
    options = {"timeout": urllib3.Timeout(SECONDS), "retries": False, "maxsize": 1}
    try:
        if parts.scheme == "https":
            secure = {"server_hostname": host, "assert_hostname": host, "ssl_context": trust(organisation, url)}
            pool: urllib3.HTTPConnectionPool = urllib3.HTTPSConnectionPool(address, port, **secure, **options)
        else:
            pool = urllib3.HTTPConnectionPool(address, port, **options)
        with pool:
            headers = {"host": parts.netloc, "user-agent": "apim-endpoint-test"}
            answer = pool.urlopen("HEAD", parts.path or "/", headers=headers, redirect=False, preload_content=False)
            answer.close()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return Found(0, "", _reason(error))
    known = answer.status in HTTPStatus._value2member_map_
    return Found(answer.status, HTTPStatus(answer.status).phrase if known else "")


def forbidden(address: IPv4Address | IPv6Address) -> bool:
    """Whether nobody has a backend there."""
    mapped = getattr(address, "ipv4_mapped", None)
    found = mapped or address
    return bool(found.is_link_local or found.is_multicast or found.is_unspecified)


def trust(organisation: Organisation, url: str) -> ssl.SSLContext:
    """The authorities of this machine, and the certificates the organisation uploaded for that host."""
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    for pem in backends.Certificates(organisation).added({"url": url}).get("certificates", ()):
        context.load_verify_locations(cadata=pem)
    return context


def _reason(error: Exception) -> str:
    """One line that tells no more than a person needs."""
    text = str(error).lower()
    if "certificate" in text or "hostname" in text:
        return "Its TLS certificate is not trusted, or is for another name"
    if "timed out" in text:
        return "It did not answer in time"
    return "Connection refused, or broken off"
