"""Regular expressions of artifacts, which run on texts of strangers: none of them may take more than linear time, or a bound.

A pattern in which nothing can be tried twice runs in Python's `re`. Any other runs in RE2, whose time is linear. What RE2 does
not know (look-around, back-references, possessive quantifiers) runs in `regex` with a time limit. RE2 and `regex` are loaded when
the first such pattern is deployed.
"""

from __future__ import annotations

import re
import re._constants as codes  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

from integrator.engine.errors import Fault

SECONDS = 0.05
"""Longest time of one match of a pattern that backtracks: the other messages of the process wait meanwhile."""
WAYS = 64
"""Alternatives that a pattern in `re` may have: each can cost one walk over the text."""
TOO_MANY = (1_000_000, 1_000)
LONGEST = 10_000
"""Characters of a pattern."""

Replacement = str | Callable[[Any], str]


class PatternError(ValueError):
    """The pattern is not written correctly."""


class Pattern(Protocol):
    """What is used of a compiled pattern, whichever engine runs it."""

    @property
    def pattern(self) -> str:
        """The text."""

    @property
    def groups(self) -> int:
        """How many groups it has."""

    def fullmatch(self, text: str, /) -> Any:
        """A match of the whole text, or None."""

    def search(self, text: str, /) -> Any:
        """The first match, or None."""

    def sub(self, replacement: Any, text: str, /) -> str:
        """The text with every match replaced."""


class Timed:
    """A pattern that backtracks: its matches end after SECONDS with a Fault."""

    def __init__(self, text: str, *, intersections: bool = False):
        import regex  # type: ignore[import-untyped]  # noqa: PLC0415  (1 MB that few homes need)

        try:
            self._compiled = regex.compile(text, regex.VERSION1 if intersections else regex.VERSION0)
        except (regex.error, RecursionError, OverflowError) as error:
            raise PatternError(str(error)) from error
        self.pattern, self.groups = text, self._compiled.groups

    def fullmatch(self, text: str) -> Any:
        """A match of the whole text, or None. Raises Fault."""
        return self._within(self._compiled.fullmatch, text)

    def search(self, text: str) -> Any:
        """The first match, or None. Raises Fault."""
        return self._within(self._compiled.search, text)

    def sub(self, replacement: Replacement, text: str) -> str:
        """The text with every match replaced. Raises Fault."""
        return str(self._within(self._compiled.sub, replacement, text))

    def _within(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments, timeout=SECONDS)
        except TimeoutError:
            shown = self.pattern[:200]
            raise Fault(0, f"regular expression {shown!r} took longer than {SECONDS * 1000:.0f} ms on a text") from None


def compiled(text: str, *, anywhere: bool = False) -> Pattern:
    """Compile a Java regular expression; `anywhere` when it is searched for, not matched with a whole text.

    Raises PatternError.
    """
    if len(text) > LONGEST:
        raise PatternError(f"longer than {LONGEST} characters")
    text = in_python(text)
    if "&&" in text:  # Java's intersection of character classes
        return Timed(text, intersections=True)
    plain = _plain(text, anywhere)
    if plain is not None:
        return plain
    linear = _linear(text)
    return linear if linear is not None else Timed(text)


kept = lru_cache(maxsize=512)(compiled)
"""`compiled` for patterns that are only known when a message comes."""


def in_python(text: str) -> str:
    """Java's names of character classes in words that the other engines share."""
    return text.replace(r"\p{Digit}", r"\d").replace(r"\p{Alnum}", "[A-Za-z0-9]").replace(r"\p{Alpha}", "[A-Za-z]")


def _plain(text: str, anywhere: bool) -> re.Pattern[str] | None:
    """The pattern in `re` when nothing in it can be tried twice; character classes are those of ASCII, as in Java."""
    try:
        ways, loops = _cost(parser.parse(text, re.ASCII))
        if ways > WAYS or loops > (0 if anywhere else 1):
            return None
        return re.compile(text, re.ASCII)
    except (re.error, RecursionError, OverflowError):
        return None  # another engine may know it; the last one says what is wrong


def _cost(tree: Any) -> tuple[int, int]:
    """How many alternative ways there are through a pattern, and how many loops on the worst of them."""
    ways, loops = 1, 0
    for code, argument in tree:
        more, inner = 1, 0
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            least, most, body = argument
            if _cost(body) != (1, 0):
                return TOO_MANY
            if least != most:
                more, inner = (2, 0) if most == 1 else (1, 1)
        elif code is codes.SUBPATTERN:
            more, inner = _cost(argument[3])
        elif code is codes.BRANCH:
            found = [_cost(branch) for branch in argument[1]]
            more, inner = sum(item[0] for item in found), max(item[1] for item in found)
        elif code not in _HARMLESS:
            return TOO_MANY
        ways, loops = ways * more, loops + inner
    return ways, loops


_HARMLESS = {codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN, codes.AT}


def _linear(text: str) -> Pattern | None:
    """The pattern in RE2, None when it does not know it."""
    import re2  # noqa: PLC0415  (2 MB that few homes need)

    options = re2.Options()
    options.log_errors = False
    try:
        found: Pattern = re2.compile(text, options)
    except re2.error:
        return None
    return found
