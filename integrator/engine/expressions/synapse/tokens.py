"""Words of `${…}` expressions, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 20_000
"""Characters of an expression."""

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<name>(?:hashicorp-vault|wso2-vault)(?=\s*\()|[^\W\d]\w*)
  | (?P<sign>\.\.|&&|\|\||==|!=|<=|>=|=~|[-+*/%<>!?:.,()\[\]{}@$])
    )""",
    re.VERBOSE | re.DOTALL,
)
_SPACE = re.compile(r"\s*")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_HALVES = re.compile("[\ud800-\udfff]")
_NAMED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class SynapseError(ValueError):
    """The expression is not written correctly; the text names line and column in it."""


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is number, string, name, sign or end; `at` is the offset of its first character."""

    kind: str
    text: str
    at: int
    end: int


def mistake(text: str, at: int, reason: str) -> SynapseError:
    """The error to raise for what stands at an offset."""
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return SynapseError(f"{reason} at line {line}, column {column} of {text[:200]!r}")


def token_at(text: str, at: int) -> Token:
    """The token that begins at an offset, white space before it left out. Raises SynapseError."""
    found = _TOKEN.match(text, at)
    if found is not None and found.lastgroup is not None:
        return Token(found.lastgroup, found.group(found.lastgroup), found.start(found.lastgroup), found.end())
    start = _SPACE.match(text, at).end()  # type: ignore[union-attr]
    if start >= len(text):
        return Token("end", "", len(text), len(text))
    reason = "a text that is not closed" if text[start] in "\"'" else f"unexpected {text[start]!r}"
    raise mistake(text, start, reason)


def unquoted(text: str) -> str:
    """What a quoted text stands for."""
    found = _ESCAPE.sub(_unescaped, text[1:-1])
    if not _HALVES.search(found):
        return found
    return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unescaped(found: re.Match[str]) -> str:
    given = found.group(1)
    if len(given) == 5:
        return chr(int(given[1:], 16))
    return _NAMED.get(given, given)
