"""Two payloads side by side in one column: XML and JSON indented first, unchanged lines folded, changed words marked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from lxml import etree

AROUND = 3
"""Unchanged lines that are shown around a change."""
MOST_LINES = 1500
LONGEST_LINE = 5000


@dataclass(frozen=True)
class Line:
    """One line: same, del, ins, or gap (`text` says how many lines are folded). `head`, `word`, `tail`: the word changed."""

    kind: str
    head: str
    word: str = ""
    tail: str = ""


def pretty(text: str) -> str:
    """XML and JSON indented; anything else, and what was cut, as it is."""
    stripped = text.strip()
    if stripped[:1] in ("{", "["):
        try:
            return json.dumps(json.loads(stripped), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            return text
    if stripped.startswith("<"):
        try:
            parser = etree.XMLParser(remove_blank_text=True, resolve_entities=False, no_network=True, huge_tree=False)
            root = etree.fromstring(stripped.encode(), parser)
            if root.getroottree().docinfo.doctype:
                return text
            etree.indent(root)
            return etree.tostring(root, encoding="unicode")
        except (etree.XMLSyntaxError, ValueError):
            return text
    return text


def lines_of(before: str, after: str) -> list[Line]:
    """What differs, with a few lines around it; empty when nothing does."""
    old, new = _lines(before), _lines(after)
    if old == new:
        return []
    if max(len(old), len(new)) > MOST_LINES:
        return [Line("gap", f"{len(old)} and {len(new)} lines: too many to compare")]
    found: list[Line] = []
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(AROUND):
        skipped = group[0][1]
        if skipped and not found:
            found.append(Line("gap", f"{skipped} lines"))
        elif found:
            found.append(Line("gap", "…"))
        for tag, i, j, k, m in group:
            found += _part(tag, old[i:j], new[k:m])
    return found


def _lines(text: str) -> list[str]:
    return [line[:LONGEST_LINE] for line in pretty(text).splitlines()]


def _part(tag: str, old: list[str], new: list[str]) -> Iterator[Line]:
    if tag == "equal":
        yield from (Line("same", line) for line in old)
    elif tag == "replace" and len(old) == len(new):
        pairs = [_marked(*pair) for pair in zip(old, new, strict=True)]
        yield from (one for one, _ in pairs)
        yield from (one for _, one in pairs)
    else:
        yield from (Line("del", line) for line in old)
        yield from (Line("ins", line) for line in new)


def _marked(old: str, new: str) -> tuple[Line, Line]:
    """Both lines with the part marked in which they differ."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    cut = (len(old) - end, len(new) - end)
    return (
        Line("del", old[:start], old[start : cut[0]], old[cut[0] :]),
        Line("ins", new[:start], new[start : cut[1]], new[cut[1] :]),
    )


def body_of(trace: dict[str, Any], place: int) -> dict[str, Any] | None:
    """A payload of a trace with its text indented; None when there is none."""
    if not 0 <= place < len(trace["bodies"]):
        return None
    body: dict[str, Any] = trace["bodies"][place]
    return {**body, "pretty": pretty(body["text"])}
