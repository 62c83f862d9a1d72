"""What the management API does not tell: values that are called like a password, wherever they stand."""

from __future__ import annotations

import re
from typing import Any

MASK = "***"
_SECRET = re.compile(r"passw|secret|passphrase|credential|private.?key|api.?key|(access|refresh).?token", re.IGNORECASE)
_ELEMENT = re.compile(
    r"(<([\w:.-]*(?:passw|secret|passphrase|token)[\w:.-]*)(?:\s[^<>]*)?>)([^<>]*)(</\2\s*>)", re.IGNORECASE
)
_NAMED = re.compile(
    r"""(<(?:[\w-]+:)?(?:parameter|property)\s[^<>]*?name\s*=\s*["'][^"'<>]*(?:passw|secret|passphrase)[^"'<>]*["'][^<>]*>)([^<>]*)(</)""",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"""(<(?:[\w-]+:)?(?:parameter|property)\s[^<>]*?name\s*=\s*["'][^"'<>]*(?:passw|secret|passphrase)[^"'<>]*["'][^<>]*?\svalue\s*=\s*["'])([^"'<>]*)""",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"""(\s[\w:.-]*(?:password|secret)[\w:.-]*\s*=\s*["'])([^"'<>{$]*)(["'])""", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=//)[^/@\s:]{0,200}:[^/@\s]{0,200}@")
_QUERY = re.compile(r"((?:password|pwd|secret)=)[^&;\s]*", re.IGNORECASE)


def masked(name: str, value: str) -> str:
    """The value, or MASK for a name that says it is secret."""
    return MASK if _SECRET.search(name) and value else masked_url(value)


def masked_values(values: dict[str, Any]) -> dict[str, Any]:
    """A dictionary of which texts are masked by their names."""
    return {name: masked(name, value) if isinstance(value, str) else value for name, value in values.items()}


def masked_url(text: str) -> str:
    """An address without the password in it."""
    return _QUERY.sub(rf"\1{MASK}", _USERINFO.sub(f"{MASK}@", text)) if "//" in text or "=" in text else text


def masked_xml(text: str) -> str:
    """Source of an artifact without the secrets that stand in it as literals; expressions and references stay."""
    found = _ELEMENT.sub(_keep_expression, text)
    found = _NAMED.sub(rf"\1{MASK}\3", found)
    found = _VALUE.sub(rf"\1{MASK}", found)
    found = _ATTRIBUTE.sub(rf"\1{MASK}\3", found)
    return _USERINFO.sub(f"{MASK}@", found)


def _keep_expression(found: re.Match[str]) -> str:
    value = found[3].strip()
    return found[0] if not value or value.startswith(("{", "$")) else f"{found[1]}{MASK}{found[4]}"
