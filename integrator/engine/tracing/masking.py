"""Secrets do not get into traces: values by their name, and what looks like credentials inside any text."""

from __future__ import annotations

import re
from functools import lru_cache

MASK = "***"
WORDS = (
    *("authorization", "authorisation", "cookie", "password", "passwd", "passphrase", "secret", "token"),
    *("apikey", "api-key", "api_key", "internal-key", "credential", "privatekey", "private-key", "private_key"),
    *("jwt", "assertion", "pwd", "signature", "sessionid", "session-id", "session_id"),
)
_WORD = "|".join(WORDS)
_NAME = re.compile(_WORD, re.IGNORECASE)
_HINT = re.compile(rf"{_WORD}|bearer|basic|eyJ|://|PRIVATE KEY", re.IGNORECASE)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # "password" : "x" and password: 12 in JSON; an unclosed string is one that was cut
    (
        re.compile(
            rf'("[^"\\\n]{{0,60}}(?:{_WORD})[^"\\\n]{{0,60}}"\s{{0,20}}:\s{{0,20}})("(?:[^"\\]|\\.)*"?|[^\s,{{}}\[\]"]+)',
            re.IGNORECASE,
        ),
        rf'\1"{MASK}"',
    ),
    # <password>x</password>
    (
        re.compile(rf"(<[\w.:-]{{0,60}}(?:{_WORD})[\w.:-]{{0,60}}(?:\s[^<>]{{0,500}})?(?<!/)>)[^<]+", re.IGNORECASE),
        rf"\1{MASK}",
    ),
    # password="x" as an attribute
    (re.compile(rf"""((?:{_WORD})[\w.-]{{0,60}}\s?=\s?)("[^"]*"?|'[^']*'?)""", re.IGNORECASE), rf'\1"{MASK}"'),
    # name="password" value="x", in either order
    (
        re.compile(
            rf"""(\bname=["'][^"'<>]{{0,60}}(?:{_WORD})[^"'<>]{{0,60}}["'][^<>]{{0,200}}?\b(?:value|expression)=)("[^"]*"?|'[^']*'?)""",
            re.IGNORECASE,
        ),
        rf'\1"{MASK}"',
    ),
    (
        re.compile(
            rf"""(\bvalue=)("[^"]*"|'[^']*')(?=[^<>]{{0,200}}?\bname=["'][^"'<>]{{0,60}}(?:{_WORD}))""", re.IGNORECASE
        ),
        rf'\1"{MASK}"',
    ),
    # password=x in a form or a query
    (re.compile(rf"((?:{_WORD})[\w.-]{{0,60}}=)[^&\s;\"'<>]+", re.IGNORECASE), rf"\1{MASK}"),
    # `Basic` and the like with a word that has what credentials have: upper case, digits, padding
    (
        re.compile(r"\b((?i:bearer|basic|digest|negotiate))\s+(?=[\w.~+/-]{0,200}[A-Z0-9=])[\w.~+/=-]{6,}"),
        rf"\1 {MASK}",
    ),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*"), MASK),
    (re.compile(r"(\w{2,20}://[^/\s:@<>\"']{1,200}:)[^@\s/<>\"']{1,200}@"), rf"\1{MASK}@"),
    (re.compile(r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)[^-]*"), rf"\1{MASK}"),
)


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether a header or property of this name is never shown."""
    return _NAME.search(name) is not None


def mask(text: str) -> str:
    """The text with credentials and values of telling names replaced by `***`."""
    if _HINT.search(text) is None:
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def shown(name: str, text: str, limit: int) -> str:
    """A value as it may be kept: masked by its name or content, cut with its size told."""
    if is_secret(name):
        return f"{MASK} ({len(text)} characters)"
    return cut(mask(text[: limit + 1]) if len(text) > limit else mask(text), limit, len(text))


def cut(text: str, limit: int, size: int) -> str:
    """The text, at most `limit` characters of it, with the whole size told when it was longer."""
    return text if size <= limit and len(text) <= limit * 2 else f"{text[:limit]}… ({size} characters)"
