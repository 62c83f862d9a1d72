"""Values of a URI template's `{parameters}` in the path of a call."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.call import Call
from gateway.message import Answer

if TYPE_CHECKING:
    from gateway.policies.base import Use

_PARAMETER = re.compile(r"\{([^{}/]+)\}")


def names(target: str) -> list[str]:
    """The parameters of a URI template, in their order."""
    return _PARAMETER.findall(target)


def matcher(target: str) -> Callable[[bytes], list[str] | None]:
    """A function from a resource's path to the values of the template's parameters; None when it does not fit."""
    pattern, end = "", 0
    for found in _PARAMETER.finditer(target):
        pattern += re.escape(target[end : found.start()]) + "([^/]*)"
        end = found.end()
    rest = target[end:]
    pattern += re.escape(rest[:-2]) + "(?:/.*)?" if rest.endswith("/*") else re.escape(rest)
    compiled = re.compile(pattern.encode() + b"/?")

    def values(path: bytes) -> list[str] | None:
        found = compiled.fullmatch(path)
        return None if found is None else [value.decode("latin-1") for value in found.groups()]

    return values


def path_reader(target: str, name: str, use: Use) -> Callable[[Call, Answer | None], str]:
    """A reader of one path parameter of the operation. Raises ValueError when its template has no such parameter."""
    known = names(target)
    if name not in known:
        raise ValueError(f"policy {use.record.name!r}: {target} has no path parameter {name!r}")
    place, values = known.index(name), matcher(target)

    def read(call: Call, answer: Answer | None) -> str:
        found = values(call.exchange.path[call.cut :])
        return "" if found is None else found[place]

    return read
