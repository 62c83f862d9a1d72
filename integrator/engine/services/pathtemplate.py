"""URI templates and URL mappings of resources (reference 5.3, dispatch)."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote

from integrator.engine.patterns import compiled

_PIECE = re.compile(r"\{(\+?)([^{}]+)\}|\*")


class PathTemplate:
    """A compiled uri-template such as `/orders/{id}?full={full}`, `/files/*` or `/{+path}`."""

    def __init__(self, text: str):
        """Raises ValueError when a brace is not closed."""
        self.text = text
        path, question, query = text.partition("?")
        if path.count("{") != path.count("}"):
            raise ValueError(f"uri-template {text!r}: a brace is not closed")
        self.names: list[str] = []
        pattern = self._regex(path)
        loose = path.count("*") + path.count("{+") > 1 or any(len(_PIECE.findall(part)) > 1 for part in path.split("/"))
        # several pieces that may share what they match are tried in every way: only RE2 does that in linear time
        self._match = compiled(pattern).fullmatch if loose else re.compile(pattern).fullmatch
        self.query = dict(parse_qsl(query, keep_blank_values=True)) if question else {}
        self._fixed = None if question or _PIECE.search(path) else _spellings(path)

    def _regex(self, path: str) -> str:
        pattern, last = "", 0
        for found in _PIECE.finditer(path):
            pattern += re.escape(path[last : found.start()])
            if found.group() == "*":
                pattern += ".*"
            else:
                self.names.append(found.group(2))
                pattern += "(.+)" if found.group(1) else "([^/?#]+)"
            last = found.end()
        rest = path[last:]
        return pattern + (
            re.escape(rest.rstrip("/")) + "/?" if len(rest) > 1 or (pattern and rest == "/") else re.escape(rest)
        )

    def match(self, path: str, query: dict[str, str] | None = None) -> dict[str, str] | None:
        """Variables of a path (still percent-encoded ones are decoded); None when it does not match."""
        if self._fixed is not None:
            return {} if path in self._fixed else None
        found = self._match(path)
        if found is None:
            return None
        values = {name: unquote(value) for name, value in zip(self.names, found.groups(), strict=True)}
        for name, pattern in self.query.items():
            if query is None or name not in query:
                return None
            variable = _PIECE.fullmatch(pattern)
            if variable and variable.group(2):
                values[variable.group(2)] = query[name]
            elif pattern not in ("*", query[name]):
                return None
        return values


def _spellings(path: str) -> frozenset[str]:
    """What a path without variables matches: itself, with and without a slash at its end."""
    stem = path.rstrip("/")
    return frozenset({stem, f"{stem}/"} if len(path) > 1 else {path})


class UrlMapping:
    """A servlet-style mapping: exact, `/prefix/*` or `*.extension`. `rank` orders them by reference 5.3."""

    def __init__(self, text: str):
        self.text = text

    def rank(self, path: str) -> int:
        """0 when it does not match, higher for a better match."""
        if path == self.text:
            return 1_000_000
        if self.text.endswith("/*"):
            prefix = self.text[:-2]
            return 10 + len(prefix) if path == prefix or path.startswith(prefix + "/") else 0
        if self.text.startswith("*."):
            return 5 if path.endswith(self.text[1:]) else 0
        return 0
