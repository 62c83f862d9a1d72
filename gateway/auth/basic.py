"""User name and password, checked by the control plane. Neither is kept: only a keyed hash of both, and for a short time."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable

import msgspec

from gateway.auth import remote
from gateway.auth.caches import Bounded, Refused
from gateway.principal import Principal
from gateway.tokens.jwt import Rejected
from wire.client import Client

HEADER_LIMIT = 1024
ANSWER_LIMIT = 64 * 1024
REFUSED_SECONDS = 2.0
MOST_ASKED = 200
"""People asked about at once: checking a password is meant to be slow, so a flood of guesses must not reach the control plane."""


MOST_KNOWN = 10_000


class Person(msgspec.Struct):
    """What the control plane says of a user name and password."""

    active: bool
    username: str = ""
    roles: tuple[str, ...] = ()


class People:
    """Asks the control plane at `url`, showing the cluster secret; answers are believed for `believed` seconds."""

    def __init__(self, url: str, secret: Callable[[], str], client: Callable[[], Client], believed: float) -> None:
        self._url = url
        self._secret = secret
        self._client = client
        self._believed = believed
        self._key = secrets.token_bytes(32)
        self._known: Bounded[bytes, Principal] = Bounded(MOST_KNOWN)
        self._refused = Refused(10_000, REFUSED_SECONDS)
        self._asking: remote.Once[Principal] = remote.Once(MOST_ASKED)

    def check(self, organisation: str, raw: bytes, address: str, now: float) -> Principal | Awaitable[Principal]:
        """The person behind a `Basic` value; awaitable when the control plane has to be asked. Raises Rejected."""
        name, password = credentials(raw)
        mark = hmac.digest(self._key, f"{organisation}\n{name}\n{password}".encode(), hashlib.sha256)
        known = self._known.get(mark)
        if known is not None and known.expires > now:
            return known
        why = self._refused.why(mark, now)
        if why is not None:
            raise Rejected(why)
        return self._asking.ask(mark, lambda: self._ask(mark, organisation, name, password, address, now))

    def forget(self) -> None:
        """Asks about everybody anew; answers that are under way are good for the calls that wait, and not remembered."""
        self._known = Bounded(MOST_KNOWN)
        self._refused.clear()

    async def _ask(
        self, mark: bytes, organisation: str, name: str, password: str, address: str, now: float
    ) -> Principal:
        remembered = self._known
        question = {"organisation": organisation, "username": name, "password": password, "address": address}
        headers = [
            (b"authorization", b"Bearer " + self._secret().encode()),
            (b"content-type", b"application/json"),
            (b"accept", b"application/json"),
        ]
        body = msgspec.json.encode(question)
        status, content = await remote.fetch(self._client(), "POST", self._url, headers, body, ANSWER_LIMIT)
        if status != 200:
            raise remote.Unanswered(f"{self._url} answered {status}")
        try:
            person = msgspec.json.decode(content, type=Person)
        except ValueError as error:
            raise remote.Unanswered(f"{self._url} answered with something else than a person") from error
        if not person.active:
            self._refused.add(mark, "user name or password is wrong, or the account is locked", now)
            raise Rejected("user name or password is wrong, or the account is locked")
        found = principal(person, now + self._believed)
        remembered.keep(mark, found)
        return found


def principal(person: Person, expires: float) -> Principal:
    """The person as a caller."""
    return Principal(
        consumer=f"@person:{person.username}",
        client_id="",
        key_manager="",
        subject=person.username,
        token_id="",
        expires=expires,
        kind="basic",
        free=True,
        roles=frozenset(person.roles),
    )


def credentials(raw: bytes) -> tuple[str, str]:
    """Name and password of a `Basic` value (RFC 7617). Raises Rejected when there is none."""
    if len(raw) > HEADER_LIMIT:
        raise Rejected("the Basic credentials are too long")
    try:
        name, colon, password = binascii.a2b_base64(raw[6:].strip(), strict_mode=True).decode().partition(":")
    except ValueError as error:
        raise Rejected("the Basic credentials cannot be read") from error
    if not colon or not name or "\0" in name + password:
        raise Rejected("the Basic credentials have no user name or no password")
    return name, password
