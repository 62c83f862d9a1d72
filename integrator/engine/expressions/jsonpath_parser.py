"""Reads JSONPath text into segments; filters become closures."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from integrator.engine.patterns import Pattern, PatternError, compiled

FUNCTIONS = ("length", "size", "min", "max", "sum", "avg", "keys", "concat", "first", "last")
_NAME = re.compile(r"[^\s.\[\]()'\"?*,=<>!&|]+")
_QUOTED = re.compile(r"'[^'.\[\]]*'")
"""After a dot quotes are part of the name, as with jayway."""
_INTEGER = re.compile(r"-?\d+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_SLICE = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?\]")
_OPERATOR = re.compile(r"==|!=|<=|>=|=~|<|>|\bin\b|\bnin\b|\bsize\b|\bempty\b|\bcontains\b")

Test = Callable[[Any, Any], bool]
Operand = Callable[[Any, Any], Any]


class JsonPathError(ValueError):
    """The path is not written correctly."""


@dataclass(slots=True)
class Segment:
    """One step of a path. `deep` = after `..`."""

    kind: str
    key: Any = None
    deep: bool = False
    test: Any = None

    @property
    def definite(self) -> bool:
        """Whether the step selects at most one value."""
        return not self.deep and self.kind in ("key", "index")


def parse(text: str) -> tuple[list[Segment], str | None]:
    """(segments, function name or None) of a path. A path without `$` starts at the root all the same."""
    return _Reader(text.strip()).path()


class _Reader:
    def __init__(self, text: str):
        self.text = text
        self.at = 0

    def fail(self, reason: str) -> JsonPathError:
        return JsonPathError(f"{reason} at position {self.at + 1} of JSONPath {self.text!r}")

    def peek(self, token: str) -> bool:
        return self.text.startswith(token, self.at)

    def take(self, token: str) -> bool:
        if self.peek(token):
            self.at += len(token)
            return True
        return False

    def spaces(self) -> bool:
        """Skip white space. Always False, so that it can stand in a condition."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return False

    def match(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
            return found.group()
        return None

    def path(self) -> tuple[list[Segment], str | None]:
        if not self.text:
            raise self.fail("nothing")
        if not self.take("$"):
            self.text = "." + self.text if self.text[0] not in ".[" else self.text
        segments, function = self.segments()
        if self.at < len(self.text):
            raise self.fail(f"unexpected {self.text[self.at]!r}")
        return segments, function

    def segments(self) -> tuple[list[Segment], str | None]:
        found: list[Segment] = []
        while self.at < len(self.text):
            if self.take(".."):
                found.append(self.bracket() if self.take("[") else self.dotted())
                found[-1].deep = True
            elif self.peek("."):
                self.at += 1
                if self.at == len(self.text):  # a trailing dot is dropped
                    break
                step = self.dotted()
                if step.kind == "key" and step.key in FUNCTIONS and self.take("()"):
                    return found, str(step.key)
                found.append(step)
            elif self.take("["):
                found.append(self.bracket())
            elif found and (name := self.match(_NAME)):  # jayway takes a[0]b for a[0].b
                found.append(Segment("key", name))
            else:
                break
        return found, None

    def dotted(self) -> Segment:
        if self.take("*"):
            return Segment("wildcard")
        if self.peek("["):
            self.at += 1
            return self.bracket()
        name = self.match(_NAME) or self.match(_QUOTED)
        if not name:
            raise self.fail("expected a name")
        return Segment("key", name)

    def bracket(self) -> Segment:
        self.spaces()
        if self.take("?"):
            self.spaces()
            if not self.take("("):
                raise self.fail("expected ( after ?")
            test = self.either()
            self.close(")")
            self.close("]")
            return Segment("filter", test=test)
        if self.take("*"):
            self.close("]")
            return Segment("wildcard")
        found = _SLICE.match(self.text, self.at)
        if found:
            self.at = found.end()
            return Segment("slice", slice(*(int(part) if part else None for part in found.groups())))
        return self.keys()

    def keys(self) -> Segment:
        keys: list[Any] = []
        while True:
            self.spaces()
            if self.text[self.at : self.at + 1] in ("'", '"'):
                keys.append(self.string())
            else:
                number = self.match(_INTEGER)
                if number is None:
                    raise self.fail("expected a quoted name, a number, * or ?( in [ ]")
                keys.append(int(number))
            self.spaces()
            if not self.take(","):
                break
        self.close("]")
        if len(keys) > 1:
            return Segment("union", keys)
        return Segment("index" if isinstance(keys[0], int) else "key", keys[0])

    def close(self, token: str) -> None:
        self.spaces()
        if not self.take(token):
            raise self.fail(f"expected {token}")

    def string(self) -> str:
        quote = self.text[self.at]
        end, result = self.at + 1, []
        while end < len(self.text) and self.text[end] != quote:
            if self.text[end] == "\\" and end + 1 < len(self.text):
                end += 1
            result.append(self.text[end])
            end += 1
        if end >= len(self.text):
            raise self.fail("the quote is not closed")
        self.at = end + 1
        return "".join(result)

    def either(self) -> Test:
        tests = [self.both()]
        while self.spaces() or self.take("||"):
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda item, root: any(test(item, root) for test in tests)

    def both(self) -> Test:
        tests = [self.negation()]
        while self.spaces() or self.take("&&"):
            tests.append(self.negation())
        return tests[0] if len(tests) == 1 else lambda item, root: all(test(item, root) for test in tests)

    def negation(self) -> Test:
        self.spaces()
        if self.peek("!") and not self.peek("!="):
            self.at += 1
            inner = self.negation()
            return lambda item, root: not inner(item, root)
        if self.take("("):
            inner = self.either()
            self.close(")")
            return inner
        return self.comparison()

    def comparison(self) -> Test:
        left = self.operand()
        self.spaces()
        operator = self.match(_OPERATOR)
        if operator is None:
            return lambda item, root: left(item, root) is not _ABSENT
        self.spaces()
        if operator == "=~":
            pattern = self.regex()
            return lambda item, root: isinstance(value := left(item, root), str) and bool(pattern.fullmatch(value))
        right = self.operand()
        compare = _COMPARE[operator]
        return lambda item, root: compare(left(item, root), right(item, root))

    def regex(self) -> Pattern:
        if not self.take("/"):
            raise self.fail("expected /regex/ after =~")
        end = self.text.find("/", self.at)
        if end < 0:
            raise self.fail("the regular expression is not closed by /")
        body, self.at = self.text[self.at : end], end + 1
        try:
            return compiled(f"(?i){body}" if self.take("i") else body)
        except PatternError as error:
            raise self.fail(f"bad regular expression ({error})") from error

    def operand(self) -> Operand:
        self.spaces()
        if self.peek("@") or self.peek("$"):
            return self.relative()
        if self.text[self.at : self.at + 1] in ("'", '"'):
            return _constant(self.string())
        if self.take("["):
            return self.items()
        number = self.match(_NUMBER)
        if number is not None:
            return _constant(float(number) if any(mark in number for mark in ".eE") else int(number))
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self.take(word):
                return _constant(value)
        raise self.fail("expected @, $, a string, a number, true, false or null")

    def items(self) -> Operand:
        found: list[Operand] = []
        self.spaces()
        while not self.take("]"):
            found.append(self.operand())
            self.spaces()
            if not self.take(",") and not self.peek("]"):
                raise self.fail("expected , or ]")
        return lambda item, root: [operand(item, root) for operand in found]

    def relative(self) -> Operand:
        from_root = self.text[self.at] == "$"
        self.at += 1
        start = self.at
        self.segments()
        inner = self.text[start : self.at].rstrip()
        path = parse_relative(inner)
        return lambda item, root: path(root if from_root else item)


def parse_relative(text: str) -> Callable[[Any], Any]:
    """A function that evaluates a sub-path inside a filter; absent gives a marker that equals nothing."""
    from integrator.engine.expressions.jsonpath import MISSING, JsonPath  # noqa: PLC0415  (the two files need each other)

    if not text:
        return lambda value: value
    path = JsonPath("$" + text)
    return lambda value: _ABSENT if (found := path.value(value)) is MISSING else found


_ABSENT: Any = object()


def _constant(value: Any) -> Operand:
    return lambda item, root: value


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        if isinstance(left, bool) or isinstance(right, bool):
            return False
        if isinstance(left, int | float) and isinstance(right, int | float):
            return test(left, right)
        return isinstance(left, str) and isinstance(right, str) and test(left, right)

    return compare


def _same(left: Any, right: Any) -> bool:
    return (
        type(left) is type(right)
        and left == right
        or (
            isinstance(left, int | float)
            and isinstance(right, int | float)
            and not isinstance(left, bool)
            and left == right
        )
    )


def _among(left: Any, right: Any) -> bool:
    return isinstance(right, list) and any(_same(left, item) for item in right)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": _same,
    "!=": lambda left, right: not _same(left, right),
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
    "in": _among,
    "nin": lambda left, right: not _among(left, right),
    "contains": lambda left, right: (
        _among(right, left) or (isinstance(left, str) and isinstance(right, str) and right in left)
    ),
    "size": lambda left, right: hasattr(left, "__len__") and len(left) == right,
    "empty": lambda left, right: hasattr(left, "__len__") and (len(left) == 0) == right,
}
