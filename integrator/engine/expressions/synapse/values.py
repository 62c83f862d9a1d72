"""Values of `${…}` expressions: JSON values, lists of XML nodes, and the two that are no value."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from integrator.engine.content.payload import encode_json
from integrator.engine.expressions.jsonpath import MISSING
from integrator.engine.expressions.values import java_double, nodes_text, text_of
from integrator.engine.message import Message

MOST = 16 * 1024 * 1024
"""Characters of a text that a function makes."""

Compiled = Callable[[Message, Any], Any]
"""A compiled piece: gets the message, and the item that `@` stands for in a filter."""


WORDS: dict[type, str] = {
    type(None): "null", str: "a text", int: "a number", float: "a number", bool: "true or false", list: "an array",
    dict: "an object",
}  # fmt: skip
"""Kinds of values, in messages."""


class Empty(Exception):
    """A value cannot be worked out: the whole expression is empty, and the log says why."""


def is_nodes(value: Any) -> bool:
    """Whether it is what xpath(…) gave: a list that is no JSON."""
    return hasattr(value, "tag") or (isinstance(value, list) and any(hasattr(item, "tag") for item in value))


def number(value: Any) -> int | float:
    """A number. Raises Empty."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise Empty(f"a number is expected, not {shown(value)}")


def whole(value: Any) -> int:
    """A whole number. Raises Empty."""
    found = number(value)
    if isinstance(found, float) and not found.is_integer():
        raise Empty(f"a whole number is expected, not {shown(value)}")
    return int(found)


def text(value: Any) -> str:
    """A text. Raises Empty for anything else."""
    if isinstance(value, str):
        return value
    if is_nodes(value):
        return nodes_text(value if isinstance(value, list) else [value])
    raise Empty(f"a text is expected, not {shown(value)}")


def flag(value: Any) -> bool:
    """A truth value. Raises Empty for anything else."""
    if isinstance(value, bool):
        return value
    raise Empty(f"true or false is expected, not {shown(value)}")


def present(value: Any) -> Any:
    """The value. Raises Empty when there is none."""
    if value is MISSING:
        raise Empty("there is no such value")
    return value


def shown(value: Any) -> str:
    """What a value is, for a log line that shows no content."""
    if is_nodes(value):
        return "XML"
    return "nothing" if value is MISSING else WORDS.get(type(value), type(value).__name__)


def as_text(value: Any) -> str:
    """Any value as text: missing is empty, null is the word, containers are JSON."""
    if value is MISSING:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return java_double(value)
    if is_nodes(value):
        return text_of(value) or ""
    return encode_json(value).decode()


def add(left: Any, right: Any) -> Any:
    """Numbers are added, texts joined; a text takes numbers and truth values. Raises Empty."""
    if isinstance(left, str) or isinstance(right, str) or is_nodes(left) or is_nodes(right):
        for side in (left, right):
            if (
                side is MISSING
                or side is None
                or isinstance(side, dict)
                or (isinstance(side, list) and not is_nodes(side))
            ):
                raise Empty(f"a text and {shown(side)} cannot be joined")
        return as_text(left) + as_text(right)
    return finite(lambda: number(left) + number(right))


def divide(left: Any, right: Any) -> int | float:
    """A quotient; whole when it is one. Raises Empty for division by zero."""
    over, under = number(left), number(right)
    if under == 0:
        raise Empty("division by zero")
    if isinstance(over, int) and isinstance(under, int) and over % under == 0:
        return over // under
    return finite(lambda: over / under)


def remainder(left: Any, right: Any) -> int | float:
    """The remainder with the sign of the dividend, as in Java. Raises Empty for division by zero."""
    over, under = number(left), number(right)
    if under == 0:
        raise Empty("division by zero")
    found = abs(over) % abs(under)
    return -found if over < 0 else found


def finite(work: Callable[[], int | float]) -> int | float:
    """The outcome of a calculation. Raises Empty for one that leads out of the numbers there are."""
    try:
        found = work()
    except (OverflowError, ValueError, ZeroDivisionError) as error:
        raise Empty(str(error)) from error
    if isinstance(found, complex) or found != found or found in (float("inf"), float("-inf")):
        raise Empty("the result is no number")
    if isinstance(found, int) and abs(found) > 10**300:
        raise Empty("the result is too large")
    return found


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values: numbers by value, nothing equals what is of another kind; nodes are their text."""
    if is_nodes(left) or is_nodes(right):
        return as_text(left) == as_text(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    return type(left) is type(right) and bool(left == right)


def compare(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """An ordering of numbers. Raises Empty for anything else."""
    return lambda left, right: test(number(left), number(right))


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": same,
    "!=": lambda left, right: not same(left, right),
    "<": compare(operator.lt),
    "<=": compare(operator.le),
    ">": compare(operator.gt),
    ">=": compare(operator.ge),
}
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": lambda left, right: finite(lambda: number(left) - number(right)),
    "*": lambda left, right: finite(lambda: number(left) * number(right)),
    "/": divide,
    "%": remainder,
}


def sortable(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """An ordering inside a filter: of two numbers or two texts; false for anything else."""

    def ordered(left: Any, right: Any) -> bool:
        if isinstance(left, bool) or isinstance(right, bool):
            return False
        alike = isinstance(left, int | float) and isinstance(right, int | float)
        return (alike or (isinstance(left, str) and isinstance(right, str))) and test(left, right)

    return ordered


def _among(left: Any, right: Any) -> bool:
    return isinstance(right, list) and any(same(left, item) for item in right)


def _holds(left: Any, right: Any) -> bool:
    return _among(right, left) or (isinstance(left, str) and isinstance(right, str) and right in left)


def _all_among(left: Any, right: Any) -> bool:
    return isinstance(left, list) and all(_among(item, right) for item in left)


def _any_among(left: Any, right: Any) -> bool:
    return isinstance(left, list) and any(_among(item, right) for item in left)


FILTER: dict[str, Callable[[Any, Any], bool]] = {
    "==": same,
    "!=": lambda left, right: not same(left, right),
    "<": sortable(operator.lt),
    "<=": sortable(operator.le),
    ">": sortable(operator.gt),
    ">=": sortable(operator.ge),
    "in": _among,
    "nin": lambda left, right: not _among(left, right),
    "contains": _holds,
    "subsetof": _all_among,
    "anyof": _any_among,
    "noneof": lambda left, right: isinstance(left, list) and not _any_among(left, right),
    "size": lambda left, right: isinstance(left, str | list | dict) and len(left) == right,
    "empty": lambda left, right: isinstance(left, str | list | dict) and (not left) is right,
}
"""What compares in a filter: as in JSONPath, a comparison of unlike things is false."""
