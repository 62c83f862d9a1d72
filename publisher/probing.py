"""Asks an address that somebody typed in whether anybody answers there: one HEAD request, bounded, its answer never shown.

Backends live in inner networks, so those may be asked; link-local addresses (where clouds keep credentials), multicast and
unspecified ones may not. The name is resolved once and the connection goes to exactly that address. Redirects are not followed.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from http import HTTPStatus
from threading import BoundedSemaphore
from urllib.parse import urlsplit

from apim import addresses, pinned
from apim.accounts.models import Organisation
from apim.errors import Conflict
from publisher import backends
from publisher.checks.basics import Problems
from publisher.checks.endpoints import http_url

BOUNDS = pinned.Bounds(seconds=5.0, whole_seconds=5.0, most=0)
AT_ONCE = 4
"""Addresses asked at the same time by one process."""

TROUBLES = {
    pinned.UNTRUSTED: "Its TLS certificate is not trusted, or is for another name",
    pinned.UNREACHED_IN_TIME: "It did not answer in time",
    pinned.SLOW: "It did not answer in time",
}
"""What went wrong, as people read it here."""

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
    headers = {"host": parts.netloc, "user-agent": "apim-endpoint-test"}
    secure = {"ssl_context": trust(organisation, url)} if parts.scheme == "https" else {}
    try:
        address = addresses.resolved(parts.hostname or "", addresses.port_of(parts), addresses.BACKENDS)
        with pinned.pool(parts, address, BOUNDS, **secure) as pool:
            answer = pinned.ask(pool, "HEAD", parts.path or "/", headers, None, BOUNDS)
    except addresses.UnknownHost:
        return Found(0, "", "Unknown Host")
    except addresses.Forbidden as error:
        return Found(0, "", str(error))
    except pinned.FAILURES as error:
        return Found(0, "", TROUBLES.get(pinned.reason(error), "Connection refused, or broken off"))
    known = answer.status in HTTPStatus._value2member_map_
    return Found(answer.status, HTTPStatus(answer.status).phrase if known else "")


def trust(organisation: Organisation, url: str) -> ssl.SSLContext:
    """The authorities of this machine, and the certificates the organisation uploaded for that host."""
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    for pem in backends.Certificates(organisation).added({"url": url}).get("certificates", ()):
        context.load_verify_locations(cadata=pem)
    return context
