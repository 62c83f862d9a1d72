"""How expected and actual texts are compared: XML and JSON written anew, then all white space removed."""

from __future__ import annotations

import difflib
import re

import msgspec
from lxml import etree

from integrator.engine.xmltools import XmlError, parse, serialise, strip_indentation
from integrator.unittests.suite import uncovered

_SPACE = re.compile(r"\s+")
LONGEST_DIFF = 4000
"""Lines of which a difference is worked out."""


def normal(text: str) -> str:
    """The form in which texts are compared."""
    text = uncovered(text)
    return _SPACE.sub("", _rewritten(text))


def _rewritten(text: str) -> str:
    if text.startswith("<"):
        try:
            return serialise(parse(text)).replace(' xmlns=""', "", 1)  # says nothing at the top of a document
        except (XmlError, ValueError):
            return text
    if text[:1] in ("{", "["):
        try:
            return msgspec.json.encode(msgspec.json.decode(text)).decode()
        except (msgspec.DecodeError, RecursionError):
            return text
    return text


def same(expected: str, actual: str | None) -> bool:
    """Whether they are equal; what is missing is the word null."""
    return normal(expected) == normal("null" if actual is None else actual)


def difference(expected: str, actual: str | None) -> list[str]:
    """Lines `- expected` and `+ actual`, with unchanged ones around them."""
    before, after = pretty(expected).splitlines(), pretty("null" if actual is None else actual).splitlines()
    if len(before) + len(after) > LONGEST_DIFF:
        return [f"- ({len(before)} lines)", f"+ ({len(after)} lines)"]
    found = list(difflib.unified_diff(before, after, lineterm="", n=2))[2:]
    return [f"{line[:1]} {line[1:]}" if line[:1] in "+- " else line for line in found if not line.startswith("@@")]


def pretty(text: str) -> str:
    """XML and JSON indented, anything else as it is."""
    text = uncovered(text)
    if text.startswith("<"):
        try:
            root = parse(text)
            strip_indentation(root)
            etree.indent(root)
            return serialise(root)
        except (XmlError, ValueError):
            return text
    if text[:1] in ("{", "["):
        try:
            return msgspec.json.format(msgspec.json.encode(msgspec.json.decode(text)), indent=2).decode()
        except (msgspec.DecodeError, RecursionError):
            return text
    return text
