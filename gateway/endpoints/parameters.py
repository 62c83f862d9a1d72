"""The values that a call's path has for the parameters of its operation's template."""

from __future__ import annotations

import re
from functools import lru_cache

_PARAMETER = re.compile(r"\{([^{}/]{1,100})\}")


def path_parameters(template: str, path: str) -> dict[str, str]:
    """Name and value, as encoded in the path; nothing when the path is not of this template."""
    found = _compiled(template).fullmatch(path.rstrip("/") or "/")
    names = _PARAMETER.findall(template)
    return dict(zip(names, found.groups(), strict=True)) if found else {}


@lru_cache(maxsize=4096)
def _compiled(template: str) -> re.Pattern[str]:
    parts = _PARAMETER.split(template.rstrip("/") or "/")
    pattern = "".join("([^/]*)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
    return re.compile(pattern.removesuffix(r"/\*") + "(?:/.*)?" if pattern.endswith(r"/\*") else pattern)
