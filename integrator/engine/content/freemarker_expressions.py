"""Expressions of FreeMarker templates (a subset): text to closures over plain values, XML nodes and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from integrator.engine.content import jsonxml
from integrator.engine.content.freemarker_values import (
    BUILTINS,
    MISSING,
    TemplateError,
    Text,
    bounded,
    member,
    one_by_one,
    shown,
    truth,
)

__all__ = ["Expression", "Scope", "TemplateError", "one_by_one", "parse_expression", "shown", "truth"]

LARGEST = 1e300
DEPTH = 50
"""How deep parentheses and operators may stand in each other."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<string>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')|(?P<name>@?[A-Za-z_]\w*)"
    r"|(?P<sign>\?\?|&&|\|\||==|!=|<=|>=|&lt;|&gt;|[-+*/%<>=!?.,()\[\]]))"
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_ORDER = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "&lt;": "<", "&gt;": ">"}
_LEVELS = (("||",), ("&&",), ("==", "!=", "="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"))


class Scope:
    """Names that a template sees; those of a list hide those outside."""

    def __init__(self, values: dict[str, Any], outer: Scope | None = None):
        self.values, self.outer = values, outer

    def get(self, name: str) -> Any:
        """Value of a name, MISSING when there is none."""
        found = self.values.get(name, MISSING)
        return self.outer.get(name) if found is MISSING and self.outer is not None else found

    def set(self, name: str, value: Any) -> None:
        """Assign a name of the template."""
        root = self
        while root.outer is not None:
            root = root.outer
        root.values[name] = value


Expression = Callable[[Scope], Any]


def parse_expression(text: str) -> Expression:
    """An expression as a closure. Raises TemplateError."""
    parser = Parser(text)
    made = parser.binary(0)
    if parser.peek() is not None:
        raise TemplateError(f"{text!r}: unexpected {parser.peek()!r}")
    return made


class Parser:
    """Reads one expression by recursive descent."""

    def __init__(self, text: str):
        self.text, self.at, self.depth = text, 0, 0
        place, end = 0, len(text.rstrip())
        self.tokens: list[tuple[str, str]] = []
        while place < end:
            found = _TOKEN.match(text, place)
            if found is None:
                raise TemplateError(f"{text!r}: not understood at {text[place : place + 20]!r}")
            kind = str(found.lastgroup)
            word = found[kind]
            known = _ORDER.get(word)
            self.tokens.append(("sign", known) if known else (kind, word))
            place = found.end()

    def peek(self) -> str | None:
        """The next sign or word, None at the end."""
        return self.tokens[self.at][1] if self.at < len(self.tokens) else None

    def take(self, *signs: str) -> str:
        """The next sign if it is one of these, else nothing."""
        if self.at < len(self.tokens) and self.tokens[self.at][0] == "sign" and self.tokens[self.at][1] in signs:
            self.at += 1
            return self.tokens[self.at - 1][1]
        return ""

    def need(self, sign: str) -> None:
        """Take a sign. Raises TemplateError."""
        if not self.take(sign):
            raise TemplateError(f"{self.text!r}: {sign!r} is expected")

    def word(self) -> str:
        """Take a name. Raises TemplateError."""
        if self.at >= len(self.tokens) or self.tokens[self.at][0] != "name":
            raise TemplateError(f"{self.text!r}: a name is expected")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def binary(self, level: int) -> Expression:
        """Operators of a level and above."""
        if level == len(_LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while sign := self.take(*_LEVELS[level]):
            left = operation(sign, left, self.binary(level + 1))
        return left

    def unary(self) -> Expression:
        """Negation, then what it stands before."""
        self.depth += 1
        if self.depth > DEPTH:
            raise TemplateError(f"{self.text[:60]!r}: nested too deeply")
        try:
            if self.take("!"):
                inner = self.unary()
                return lambda scope: not truth(inner(scope))
            if self.take("-"):
                inner = self.unary()
                return lambda scope: -number(inner(scope))
            return self.postfix(self.primary())
        finally:
            self.depth -= 1

    def primary(self) -> Expression:
        """A literal, a name, a list or something in parentheses."""
        if self.take("("):
            inner = self.binary(0)
            self.need(")")
            return inner
        if self.take("["):
            items = self.arguments("]")
            return lambda scope: [item(scope) for item in items]
        if self.at >= len(self.tokens) or self.tokens[self.at][0] == "sign":
            raise TemplateError(f"{self.text!r}: a value is expected")
        kind, word = self.tokens[self.at]
        self.at += 1
        if kind == "name":
            fixed = {"true": True, "false": False}.get(word, MISSING)
            return (lambda scope: scope.get(word)) if fixed is MISSING else lambda scope: fixed
        value = jsonxml.primitive(word) if kind == "number" else _ESCAPE.sub(_unescaped, word[1:-1])
        return lambda scope: value

    def arguments(self, end: str) -> list[Expression]:
        """Expressions between commas up to a closing sign."""
        found: list[Expression] = []
        while not self.take(end):
            if found:
                self.need(",")
            found.append(self.binary(0))
        return found

    def postfix(self, made: Expression) -> Expression:
        """Members, built-ins and defaults behind a value."""
        while True:
            if self.take("."):
                made = _member(made, Text(self.word()))
            elif self.take("["):
                key = self.binary(0)
                self.need("]")
                made = _at(made, key)
            elif self.take("??"):
                made = _exists(made)
            elif self.take("?"):
                made = self.builtin(made)
            elif self.take("!"):
                following = self.at < len(self.tokens) and (
                    self.tokens[self.at][0] != "sign" or self.peek() in ("(", "[")
                )
                made = _default(made, self.primary() if following else lambda scope: "")
            else:
                return made

    def builtin(self, made: Expression) -> Expression:
        """A built-in with its arguments. Raises TemplateError."""
        name = self.word()
        function = BUILTINS.get(name)
        if function is None:
            raise TemplateError(f"{self.text!r}: ?{name} is not supported; known are {', '.join(sorted(BUILTINS))}")
        arguments = self.arguments(")") if self.take("(") else []
        return lambda scope: function(_present(made(scope)), *(argument(scope) for argument in arguments))


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], found[1])


def _present(value: Any) -> Any:
    if value is MISSING or value is None:
        raise TemplateError("a value is missing; write name!default, or test it with name??")
    return value


def _member(made: Expression, name: str) -> Expression:
    return lambda scope: member(made(scope), name)


def _at(made: Expression, key: Expression) -> Expression:
    return lambda scope: member(made(scope), key(scope))


def _exists(made: Expression) -> Expression:
    return lambda scope: made(scope) not in (MISSING, None)


def _default(made: Expression, other: Expression) -> Expression:
    def value(scope: Scope) -> Any:
        found = made(scope)
        return other(scope) if found is MISSING or found is None else found

    return value


def number(value: Any) -> float | int:
    """A number. Raises TemplateError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TemplateError(f"{shown(value)[:40]!r} is no number; ?number makes one of text")
    return value


def operation(sign: str, left: Expression, right: Expression) -> Expression:
    """A closure for an operator between two values."""
    if sign == "&&":
        return lambda scope: truth(left(scope)) and truth(right(scope))
    if sign == "||":
        return lambda scope: truth(left(scope)) or truth(right(scope))
    work = _OPERATIONS[sign]
    return lambda scope: work(_present(left(scope)), _present(right(scope)))


def _plus(left: Any, right: Any) -> Any:
    both = isinstance(left, int | float) and isinstance(right, int | float)
    if both and not isinstance(left, bool) and not isinstance(right, bool):
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        bounded(len(left) + len(right))
        return left + right
    first, second = shown(left), shown(right)
    bounded(len(first) + len(second))
    return first + second


def _times(left: Any, right: Any) -> Any:
    result = number(left) * number(right)
    if abs(result) > LARGEST:
        raise TemplateError("a number is too large")
    return result


def _equal(left: Any, right: Any) -> bool:
    plain = isinstance(left, int | float) and isinstance(right, int | float)
    return bool(left == right) if plain else shown(left) == shown(right)


def _divided(left: Any, right: Any) -> Any:
    if number(right) == 0:
        raise TemplateError("division by zero")
    result = number(left) / right
    return int(result) if result == int(result) else result


def _rest(left: Any, right: Any) -> Any:
    if number(right) == 0:
        raise TemplateError("division by zero")
    return int(number(left)) % int(right)


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": _plus,
    "-": lambda left, right: number(left) - number(right),
    "*": _times,
    "/": _divided,
    "%": _rest,
    "==": _equal,
    "=": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": lambda left, right: number(left) < number(right),
    "<=": lambda left, right: number(left) <= number(right),
    ">": lambda left, right: number(left) > number(right),
    ">=": lambda left, right: number(left) >= number(right),
}
