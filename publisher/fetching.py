"""Definitions fetched from an address that somebody typed in: bounded, and never from inside our own network.

The address is resolved once, every result must be a public one, and the connection goes to exactly that; so neither a name that
resolves to an inner address nor one that changes its mind gets us to ask there. Redirects are not followed.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

import urllib3
from django.conf import settings

from apim.errors import FieldError, Invalid

MOST_BYTES = 5 * 1024 * 1024
SECONDS = 10.0
AGENT = {"user-agent": "apim-import", "accept": "*/*", "accept-encoding": "identity"}


def fetch(url: str) -> bytes:
    """What the http(s) address answers, at most 5 MB. Raises Invalid, naming the field `url`, saying why not."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise _refused(f"{url[:200]!r} is not an address: {error}.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise _refused(f"{url[:200]!r} must look like https://host/path, without a user name.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _read(_pool(parts.scheme, parts.hostname, port), target, parts.netloc)


def _pool(scheme: str, host: str, port: int) -> urllib3.HTTPConnectionPool:
    address = _resolved(host, port)
    options = {"timeout": urllib3.Timeout(SECONDS), "retries": False, "maxsize": 1}
    if scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, **options)
    return urllib3.HTTPSConnectionPool(address, port, server_hostname=host, assert_hostname=host, **options)


def _resolved(host: str, port: int) -> str:
    try:
        found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise _refused(f"The host {host!r} is not known: {error}.") from error
    inner = [one for one in found if not ip_address(one.partition("%")[0]).is_global]
    if inner and not settings.APIM.fetch_inner:
        raise _refused(
            f"{host} is at {inner[0]}, an address of an inner network; such are not asked (APIM_FETCH_INNER)."
        )
    return found[0]


def _read(pool: urllib3.HTTPConnectionPool, target: str, authority: str) -> bytes:
    try:
        with pool:
            answer = pool.urlopen(
                "GET", target, headers={**AGENT, "host": authority}, redirect=False, preload_content=False
            )
            content = answer.read(MOST_BYTES + 1, decode_content=False)
            answer.close()
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _refused(f"The address did not answer: {str(error)[:200]}.") from error
    if answer.status != 200:
        raise _refused(f"The address answered {answer.status}, not 200.")
    if len(content) > MOST_BYTES:
        raise _refused(f"The answer is larger than {MOST_BYTES // 1024 // 1024} MB.")
    return bytes(content)


def _refused(message: str) -> Invalid:
    return Invalid(message, [FieldError("url", message)])
