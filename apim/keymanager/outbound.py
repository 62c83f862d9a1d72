"""Calls to key managers elsewhere: to checked addresses only, without redirects, with bounds on time and size.

A name is looked up once, every address it has must be allowed, and the connection goes to exactly one of those: neither a name
that resolves to an inner address nor one that changes its mind leads us elsewhere. What is sent and answered is never logged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlencode

import urllib3
from django.conf import settings

from apim import addresses, pinned

SECONDS = 10.0
MOST_BYTES = 1024 * 1024
BOUNDS = pinned.Bounds(SECONDS, SECONDS, MOST_BYTES)
AGENT = {"user-agent": "apim-keymanager", "accept": "application/json"}


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
    shown = url.partition("?")[0][:200]
    try:
        with _pool(parts) as pool:
            answer = pinned.ask(pool, method, pinned.target(parts), sent, content, BOUNDS)
    except pinned.FAILURES as error:
        raise Unreachable(f"{shown} does not answer: {pinned.reason(error)}.") from error
    if not answer.whole:
        raise Unreachable(f"{shown} answered with more than {MOST_BYTES // 1024} KB.")
    return Answer(answer.status, answer.body, shown)


def checked(url: str) -> SplitResult:
    """The parts of an address; looks no name up. Raises Unreachable saying what is wrong with it."""
    try:
        return addresses.parsed(url)
    except addresses.BadAddress as error:
        raise Unreachable(str(error)) from error


def _pool(parts: SplitResult) -> urllib3.HTTPConnectionPool:
    address = resolved(parts.hostname or "", addresses.port_of(parts))
    authorities = settings.APIM.key_manager_ca
    trust = {} if authorities is None else {"ca_certs": str(authorities)}
    return pinned.pool(parts, address, BOUNDS, **trust)


def resolved(host: str, port: int) -> str:
    """The address to connect to. Raises Unreachable when the host is not known, or one of its addresses may not be asked."""
    rule = addresses.outside(settings.APIM.key_manager_networks, "APIM_KEY_MANAGER_NETWORKS")
    try:
        return addresses.resolved(host, port, rule)
    except addresses.NotCalled as error:
        raise Unreachable(str(error)) from error
