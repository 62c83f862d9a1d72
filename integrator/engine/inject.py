"""Values taken from the environment when an artifact is loaded: $SYSTEM:, $ENV:, $FILE: (reference 1.6)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_MARK = re.compile(r"\$(SYSTEM|ENV|FILE):([_a-zA-Z0-9]+)")


class InjectionError(ValueError):
    """The name has no value."""


file_properties: dict[str, str] = {}
"""Content of conf/file.properties of the home that is open."""


def inject(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The value behind the marker when the text starts with one, else the text. Raises InjectionError."""
    found = _MARK.match(text.strip())
    if not found:
        return text
    kind, name = found.groups()
    source = file_properties if kind == "FILE" else environment
    if name not in source:
        where = "conf/file.properties" if kind == "FILE" else "the environment"
        raise InjectionError(f"${kind}:{name}: {where} has no {name}")
    return source[name]
