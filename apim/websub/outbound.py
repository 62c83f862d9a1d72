"""Calls to subscribers' callbacks: to checked addresses only, without redirects, with bounds on time and size.

The name is looked up once, every address it has must be allowed, and the connection goes to one of those: a name that leads
elsewhere a moment later changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult

from django.conf import settings

from apim import addresses, pinned
from apim.websub.errors import BadCallback

SECONDS = 10.0
ANSWER_BYTES = 64 * 1024
BOUNDS = pinned.Bounds(SECONDS, SECONDS, ANSWER_BYTES)
AGENT = {"user-agent": "APIM-WebSub"}


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
        return addresses.parsed(address, "https://host/path or http://host/path")
    except addresses.BadAddress as error:
        raise BadCallback(f"hub.callback: {error}") from error


def call(method: str, address: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Answer:
    """One call. Raises CallFailed, BadCallback."""
    parts = check(address)
    found = resolve(parts.hostname or "", addresses.port_of(parts))
    sent = AGENT | {name.lower(): value for name, value in (headers or {}).items()} | {"host": parts.netloc}
    try:
        with pinned.pool(parts, found, BOUNDS) as pool:
            answer = pinned.ask(pool, method, pinned.target(parts), sent, body, BOUNDS)
    except pinned.FAILURES as error:
        raise CallFailed(f"{parts.netloc}: {pinned.reason(error)}"[:250]) from error
    return Answer(answer.status, answer.body)


def resolve(host: str, port: int) -> str:
    """An allowed address of `host`. Raises CallFailed when it has none or one that is not allowed."""
    rule = addresses.outside(settings.APIM.websub_networks, "APIM_WEBSUB_NETWORKS")
    try:
        return addresses.resolved(host, port, rule)
    except addresses.NotCalled as error:
        raise CallFailed(str(error)) from error
