"""Timestamp and UsernameToken: made for messages that go out, checked in those that come in."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from lxml import etree

from integrator.engine.wss.names import (
    BASE64,
    EXPIRED,
    FAILED_AUTHENTICATION,
    INVALID_SECURITY,
    INVALID_TOKEN,
    PASSWORD_DIGEST,
    PASSWORD_TEXT,
    SecurityRefusal,
    wsse,
    wsu,
)
from integrator.engine.wss.policy import Token
from integrator.engine.wss.rampart import Config
from integrator.engine.wss.replay import Nonces
from integrator.engine.xmltools import Element, text_of

MAX_NONCE = 256
WRONG = "The security token could not be authenticated or authorized"
Passwords = Callable[[str], str | None]


def new_id(kind: str) -> str:
    """An id for an element of this message."""
    return f"{kind}-{secrets.token_hex(12)}"


def instant(when: datetime) -> str:
    """A time as messages write it: UTC with milliseconds."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def read_instant(text: str) -> datetime:
    """A time in a message. Raises SecurityRefusal."""
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise SecurityRefusal(INVALID_SECURITY, "a time in the security header is not readable") from error
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def add_timestamp(security: Element, ttl_s: int, now: datetime | None = None) -> Element:
    """Append a Timestamp that ends after `ttl_s` seconds."""
    now = now or datetime.now(UTC)
    made = etree.SubElement(security, wsu("Timestamp"), {wsu("Id"): new_id("TS")})
    etree.SubElement(made, wsu("Created")).text = instant(now)
    etree.SubElement(made, wsu("Expires")).text = instant(now + timedelta(seconds=ttl_s))
    return made


def check_timestamp(timestamp: Element, config: Config, now: datetime | None = None) -> None:
    """Raises SecurityRefusal for a message from the future, an expired one, or one older than the policy allows."""
    now = now or datetime.now(UTC)
    created = timestamp.findall(wsu("Created"))
    expires = timestamp.findall(wsu("Expires"))
    if len(created) != 1 or len(expires) > 1:
        raise SecurityRefusal(INVALID_SECURITY, "the Timestamp needs one Created and at most one Expires")
    skew, begin = timedelta(seconds=config.skew_s), read_instant(text_of(created[0]))
    if begin > now + skew:
        raise SecurityRefusal(EXPIRED, "the message was created in the future")
    end = begin + timedelta(seconds=config.ttl_s)
    if expires:
        end = min(read_instant(text_of(expires[0])), end + skew)
    if end < now - (skew if not expires else timedelta(0)) or end < begin:
        raise SecurityRefusal(EXPIRED, "the message has expired")


def digest_of(nonce: bytes, created: str, password: str) -> str:
    """Password digest of the UsernameToken profile."""
    made = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False)
    return base64.b64encode(made.digest()).decode()


def add_username(security: Element, token: Token, user: str, password: str, now: datetime | None = None) -> Element:
    """Append a UsernameToken."""
    made = etree.SubElement(security, wsse("UsernameToken"), {wsu("Id"): new_id("UT")})
    etree.SubElement(made, wsse("Username")).text = user
    created, nonce = instant(now or datetime.now(UTC)), secrets.token_bytes(16)
    if token.password:
        kind = PASSWORD_DIGEST if token.digest else PASSWORD_TEXT
        text = digest_of(nonce, created, password) if token.digest else password
        etree.SubElement(made, wsse("Password"), {"Type": kind}).text = text
    if token.nonce:
        held = etree.SubElement(made, wsse("Nonce"), {"EncodingType": BASE64})
        held.text = base64.b64encode(nonce).decode()
        etree.SubElement(made, wsu("Created")).text = created
    return made


def check_username(
    element: Element, token: Token, passwords: Passwords, nonces: Nonces, config: Config
) -> tuple[str, bytes]:
    """(user, what its nonce is remembered by) of a token whose password is right and whose nonce is new.

    Raises SecurityRefusal.
    """
    user, password = _one(element, wsse("Username")), _one(element, wsse("Password"))
    created, nonce = _one(element, wsu("Created")), _nonce(element)
    name = text_of(user)
    if not name:
        raise SecurityRefusal(INVALID_TOKEN, "the UsernameToken has no Username")
    if token.password:
        _check_password(password, token, passwords(name), nonce, text_of(created))
    elif passwords(name) is None:
        raise SecurityRefusal(FAILED_AUTHENTICATION, WRONG)
    if token.nonce and (nonce is None or created is None):
        raise SecurityRefusal(INVALID_TOKEN, "the UsernameToken needs Nonce and Created")
    if created is not None:
        _check_fresh(read_instant(text_of(created)), config)
    return name, b"" if nonce is None else _use(nonce, created, name, nonces, config)


def _one(element: Element, tag: str) -> Element | None:
    found = element.findall(tag)
    if len(found) > 1:
        raise SecurityRefusal(INVALID_TOKEN, "the UsernameToken repeats an element")
    return found[0] if found else None


def _nonce(element: Element) -> bytes | None:
    held = _one(element, wsse("Nonce"))
    if held is None:
        return None
    try:
        nonce = base64.b64decode(text_of(held), validate=True)
    except binascii.Error as error:
        raise SecurityRefusal(INVALID_TOKEN, "the Nonce is no base64 text") from error
    if not 0 < len(nonce) <= MAX_NONCE:
        raise SecurityRefusal(INVALID_TOKEN, f"the Nonce has not 1 to {MAX_NONCE} bytes")
    return nonce


def _check_password(held: Element | None, token: Token, known: str | None, nonce: bytes | None, created: str) -> None:
    """Compares in constant time; an unknown user takes as long as a wrong password."""
    kind = PASSWORD_TEXT if held is None else held.get("Type") or PASSWORD_TEXT
    digest = kind == PASSWORD_DIGEST
    if held is None or (token.digest and not digest) or kind not in (PASSWORD_TEXT, PASSWORD_DIGEST):
        raise SecurityRefusal(INVALID_TOKEN, "the UsernameToken has no password of the type that the policy asks for")
    if digest and (nonce is None or not created):
        raise SecurityRefusal(INVALID_TOKEN, "a password digest needs Nonce and Created")
    wanted = known if known is not None else secrets.token_hex(8)
    if digest:
        wanted = digest_of(nonce or b"", created, wanted)
    given = "".join(held.itertext())
    if not hmac.compare_digest(given.encode(), wanted.encode()) or known is None:
        raise SecurityRefusal(FAILED_AUTHENTICATION, WRONG)


def _check_fresh(created: datetime, config: Config) -> None:
    now = datetime.now(UTC)
    if created > now + timedelta(seconds=config.skew_s) or created < now - timedelta(seconds=config.nonce_s):
        raise SecurityRefusal(EXPIRED, "the UsernameToken was not created just now")


def _use(nonce: bytes, created: Element | None, user: str, nonces: Nonces, config: Config) -> bytes:
    now = datetime.now(UTC).timestamp()
    begin = read_instant(text_of(created)).timestamp() if created is not None else now
    key = hashlib.sha256(user.encode() + b"\0" + nonce).digest()
    if not nonces.use(key, begin + config.nonce_s + config.skew_s):
        raise SecurityRefusal(FAILED_AUTHENTICATION, WRONG)
    return key
