"""Reads `${…}` expressions into closures: recursive descent, each rule a method; what is wrong is told with line and column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from integrator.engine.expressions.jsonpath import MISSING
from integrator.engine.expressions.jsonpath_parser import FUNCTIONS as PATH_FUNCTIONS
from integrator.engine.expressions.synapse import roots
from integrator.engine.expressions.synapse.calls import call, special
from integrator.engine.expressions.synapse.paths import Path, Step
from integrator.engine.expressions.synapse.tokens import LONGEST, Token, mistake, token_at, unquoted
from integrator.engine.expressions.synapse.values import (
    ARITHMETIC,
    COMPARE,
    FILTER,
    Compiled,
    Empty,
    flag,
    number,
    shown,
)
from integrator.engine.patterns import PatternError, compiled

DEEPEST = 40
"""Levels of brackets in an expression."""
OPERATORS = ("in", "nin", "contains", "subsetof", "anyof", "noneof", "size", "empty")
"""Words that compare in a filter."""
MOST_STEPS = 100
"""Steps of a path."""
DIGITS = 300
"""Digits of a number."""
WORDS = {"true": True, "false": False, "null": None}


class Parser:
    """Reads one expression from `start` on. `xml` compiles the XPath of xpath(…), with the element's namespaces."""

    def __init__(self, text: str, start: int, xml: Callable[[str], Any]):
        if len(text) > LONGEST:
            raise mistake(text, LONGEST, f"more than {LONGEST} characters")
        self.text = text
        self.xml = xml
        self.depth = 0
        self.filters = 0
        self.reads_content = False
        self.only_payload: Path | None = None
        self.token = token_at(text, start)

    def fail(self, reason: str, token: Token | None = None) -> Exception:
        """The error to raise for what stands here."""
        return mistake(self.text, (token or self.token).at, reason)

    def expected(self, what: str) -> Exception:
        """The error for something else than expected."""
        found = "the end" if self.token.kind == "end" else repr(self.token.text)
        return self.fail(f"expected {what}, found {found}")

    def next(self) -> Token:
        """The token that stands here; the one after it is next."""
        token = self.token
        self.token = token_at(self.text, token.end)
        return token

    def at(self, *texts: str) -> bool:
        """Whether one of these signs or words stands here."""
        return self.token.text in texts and self.token.kind in ("sign", "name")

    def take(self, *texts: str) -> bool:
        """Go past one of these signs or words when it stands here."""
        if self.at(*texts):
            self.next()
            return True
        return False

    def need(self, sign: str) -> None:
        """Go past a sign that must stand here."""
        if not self.take(sign):
            raise self.expected(repr(sign))

    def whole(self, closing: str) -> Compiled:
        """An expression up to its closing sign (or the end), which is left standing."""
        found = self.expression()
        if not (self.at(closing) if closing else self.token.kind == "end"):
            raise self.expected(f"an operator or {closing!r}" if closing else "an operator or the end")
        return found

    def expression(self) -> Compiled:
        """A condition with its two outcomes, or anything simpler."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.fail(f"brackets are nested more than {DEEPEST} deep")
        test = self.either()
        if self.take("?"):
            then = self.expression()
            self.need(":")
            test = _choice(test, then, self.expression())
        self.depth -= 1
        return test

    def either(self) -> Compiled:
        """Operands of `or`."""
        operands = [self.both()]
        while self.take("||", "or"):
            operands.append(self.both())
        return operands[0] if len(operands) == 1 else _any(operands, self.filters > 0)

    def both(self) -> Compiled:
        """Operands of `and`."""
        operands = [self.comparison()]
        while self.take("&&", "and"):
            operands.append(self.comparison())
        return operands[0] if len(operands) == 1 else _all(operands, self.filters > 0)

    def comparison(self) -> Compiled:
        """At most one comparison after another."""
        start, left = self.token.at, self.sum()
        while True:
            if self.filters and self.at("=~"):
                left = self.matching(left)
            elif self.at(*COMPARE) or (self.filters and self.at(*OPERATORS)):
                if self.filters:
                    left = _binary(FILTER[self.next().text], left, self.sum())
                else:
                    left = self.operation(COMPARE, start, left, self.sum)
            else:
                return left

    def matching(self, left: Compiled) -> Compiled:
        """A regular expression between slashes; its place is not that of a token."""
        start = self.text.find("/", self.token.end)
        if start < 0 or self.text[self.token.end : start].strip():
            raise self.fail("expected /regular expression/ after =~")
        end = start + 1
        while end < len(self.text) and self.text[end] != "/":
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise self.fail("the regular expression is not closed by /")
        body = self.text[start + 1 : end].replace("\\/", "/")
        flags = self.text[end + 1 : end + 2]
        try:
            pattern = compiled(f"(?i){body}" if flags == "i" else body)
        except PatternError as error:
            raise mistake(self.text, start, f"bad regular expression ({error})") from error
        self.token = token_at(self.text, end + 1 + (flags == "i"))
        return lambda message, item: isinstance(value := left(message, item), str) and bool(pattern.fullmatch(value))

    def sum(self) -> Compiled:
        """Operands of + and -."""
        start, left = self.token.at, self.product()
        while self.at("+", "-"):
            left = self.operation(ARITHMETIC, start, left, self.product)
        return left

    def product(self) -> Compiled:
        """Operands of *, / and %."""
        start, left = self.token.at, self.signed()
        while self.at("*", "/", "%"):
            left = self.operation(ARITHMETIC, start, left, self.signed)
        return left

    def operation(
        self,
        known: Mapping[str, Callable[[Any, Any], Any]],
        start: int,
        left: Compiled,
        operand: Callable[[], Compiled],
    ) -> Compiled:
        """An operator that stands here, behind its left operand that began at `start`; when it fails, both are named."""
        first, sign = self.text[start : self.token.at].strip(), self.next().text
        begin, right = self.token.at, operand()
        second, work = self.text[begin : self.token.at].strip(), known[sign]

        def value(message: Any, item: Any) -> Any:
            one, two = left(message, item), right(message, item)
            try:
                return work(one, two)
            except Empty as reason:
                what = f"{first[:80]} is {shown(one)}, {second[:80]} is {shown(two)}"
                raise Empty(f"{reason}, at {sign}: {what}") from None

        return value

    def signed(self) -> Compiled:
        """What minus and `!` stand before."""
        if not self.at("-", "!"):
            return self.primary()
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.fail(f"signs are nested more than {DEEPEST} deep")
        if self.take("-"):
            inner = self.signed()
            self.depth -= 1
            return lambda message, item: -number(inner(message, item))
        self.next()
        inner, in_filter = self.signed(), self.filters > 0
        self.depth -= 1
        return lambda message, item: not truth(inner, message, item, in_filter)

    def primary(self) -> Compiled:
        """A literal, an array, a call, a value, or an expression in brackets."""
        token = self.token
        if token.kind in ("number", "string"):
            self.next()
            if token.kind == "number" and len(token.text) > DIGITS:
                raise self.fail(f"a number has at most {DIGITS} digits", token)
            return _constant(_number(token.text) if token.kind == "number" else unquoted(token.text))
        if self.take("("):
            inner = self.expression()
            self.need(")")
            return inner
        if self.take("["):
            return self.array()
        if self.filters and self.take("@"):
            return self.behind(lambda message, item: item)
        if token.kind == "name" or self.at("$"):
            return self.named()
        raise self.expected("a value")

    def array(self) -> Compiled:
        """The rest of an array."""
        items: list[Compiled] = []
        while not self.take("]"):
            items.append(self.expression())
            if not self.at("]"):
                self.need(",")
        return lambda message, item: [part(message, item) for part in items]

    def named(self) -> Compiled:
        """What begins with a word."""
        token = self.next()
        if token.text in WORDS:
            return _constant(WORDS[token.text])
        if token.kind == "name" and self.at("("):
            return special(self, token) or call(self, token)
        name = roots.ALIASES.get(token.text, token.text)
        if name in ("payload", "$"):
            self.reads_content = True
            return self.behind(lambda message, item: roots.payload(message), is_payload=True)
        if name in roots.NAMED:
            read, key = roots.NAMED[name], self.member()
            return self.behind(lambda message, item: read(message, key))
        if name in roots.SCOPED:
            self.need(".")
            scope = self.next()
            if scope.text not in roots.SCOPED[name]:
                allowed = ", ".join(roots.SCOPED[name])
                raise self.fail(f"{token.text}.{scope.text}: allowed are {allowed}", scope)
            read, key = roots.SCOPED[name][scope.text], self.member()
            return self.behind(lambda message, item: read(message, key))
        raise self.fail(f"unknown name {token.text!r}; known are {', '.join(roots.ROOTS)} and functions", token)

    def member(self) -> str:
        """The name after a root: `.name`, `.'name'` or `['name']`."""
        dotted = self.take(".")
        if self.take("["):
            token = self.next()
            if token.kind != "string":
                raise self.fail("expected a name in quotes", token)
            self.need("]")
            return unquoted(token.text)
        if not dotted:
            raise self.expected("'.' and a name")
        token = self.next()
        if token.kind not in ("name", "string"):
            raise self.fail("expected a name", token)
        return unquoted(token.text) if token.kind == "string" else token.text

    def behind(self, base: Compiled, *, is_payload: bool = False) -> Compiled:
        """A value with the path behind it."""
        steps, function = self.steps()
        path = Path(steps, function)
        if is_payload:
            self.only_payload = path
        if not steps and function is None:
            return base

        def value(message: Any, item: Any) -> Any:
            root = base(message, item)
            return MISSING if root is MISSING else path.value(root, message, item)

        return value

    def steps(self) -> tuple[list[Step], str | None]:
        """Steps of a path, and the function at its end."""
        found: list[Step] = []
        while True:
            if len(found) > MOST_STEPS:
                raise self.fail(f"a path has at most {MOST_STEPS} steps")
            if self.take(".."):
                found.append(self.bracket(deep=True) if self.take("[") else self.dotted(deep=True))
            elif self.take("["):
                found.append(self.bracket(deep=False))
            elif self.take("."):
                if self.take("["):
                    found.append(self.bracket(deep=False))
                    continue
                step = self.dotted(deep=False)
                if step.kind == "key" and self.at("("):
                    return found, self.function(step.key)
                found.append(step)
            else:
                return found, None

    def function(self, name: str) -> str:
        """A function of paths, such as length()."""
        if name not in PATH_FUNCTIONS:
            raise self.fail(f"unknown function {name!r} of a path; known are {', '.join(PATH_FUNCTIONS)}")
        self.need("(")
        self.need(")")
        return name

    def dotted(self, deep: bool) -> Step:
        """A name or * after a dot."""
        if self.take("*"):
            return Step("wildcard", deep=deep)
        token = self.next()
        if token.kind not in ("name", "string"):
            raise self.fail("expected a name or *", token)
        return Step("key", unquoted(token.text) if token.kind == "string" else token.text, deep)

    def bracket(self, deep: bool) -> Step:
        """What stands in square brackets."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.fail(f"brackets are nested more than {DEEPEST} deep")
        step = self.inside(deep)
        self.need("]")
        self.depth -= 1
        return step

    def inside(self, deep: bool) -> Step:
        """*, a filter, a slice, or keys."""
        if self.take("*"):
            return Step("wildcard", deep=deep)
        if self.take("?"):
            self.need("(")
            self.filters += 1
            test = self.expression()
            self.filters -= 1
            self.need(")")
            return Step("filter", deep=deep, test=lambda message, item: truth(test, message, item, True))
        if self.token.kind == "string":
            start, token = self.token, self.next()
            if self.at("]"):
                return Step("key", unquoted(token.text), deep)
            self.token = start
        parts: list[Compiled | None] = [None if self.at(":") else self.sum()]
        if self.at(":"):
            while self.take(":"):
                parts.append(None if self.at(":", "]") else self.sum())
            if len(parts) > 3:
                raise self.fail("a slice has at most three parts")
            return Step("slice", deep=deep, keys=tuple(parts))
        while self.take(","):
            parts.append(self.sum())
        return Step("union" if len(parts) > 1 else "computed", deep=deep, keys=tuple(parts))


def truth(value: Compiled, message: Any, item: Any, in_filter: bool) -> bool:
    """A truth value; in a filter, a path that leads somewhere is true. Raises Empty."""
    found = value(message, item)
    if in_filter and not isinstance(found, bool):
        return found is not MISSING
    return flag(found)


def _number(text: str) -> int | float:
    return float(text) if any(sign in text for sign in ".eE") else int(text)


def _constant(value: Any) -> Compiled:
    return lambda message, item: value


def _choice(test: Compiled, then: Compiled, otherwise: Compiled) -> Compiled:
    return lambda message, item: then(message, item) if flag(test(message, item)) else otherwise(message, item)


def _any(operands: list[Compiled], in_filter: bool) -> Compiled:
    return lambda message, item: any(truth(operand, message, item, in_filter) for operand in operands)


def _all(operands: list[Compiled], in_filter: bool) -> Compiled:
    return lambda message, item: all(truth(operand, message, item, in_filter) for operand in operands)


def _binary(operation: Callable[[Any, Any], Any], left: Compiled, right: Compiled) -> Compiled:
    return lambda message, item: operation(left(message, item), right(message, item))
