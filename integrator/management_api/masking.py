"""What the management API does not tell: values that are called like a password, wherever they stand.

The patterns run in linear time: sources are long, and this runs where messages wait.
"""

from __future__ import annotations

from typing import Any

import re2

MASK = "***"
_OPTIONS = re2.Options()
_OPTIONS.case_sensitive = False
_NAMED_SO = (
    r"""<(?:[\w-]+:)?(?:parameter|property)\s[^<>]*?name\s*=\s*["'][^"'<>]*(?:passw|secret|passphrase)[^"'<>]*["']"""
)
_SECRET = re2.compile(r"passw|secret|passphrase|credential|private.?key|api.?key|(?:access|refresh).?token", _OPTIONS)
_ELEMENT = re2.compile(r"(<[\w:.-]*(?:passw|secret|passphrase|token)[\w:.-]*(?:\s[^<>]*)?>)([^<>]*)(</)", _OPTIONS)
_NAMED = re2.compile(rf"({_NAMED_SO}[^<>]*>)([^<>]*)(</)", _OPTIONS)
_VALUE = re2.compile(rf"""({_NAMED_SO}[^<>]*?\svalue\s*=\s*["'])([^"'<>]*)""", _OPTIONS)
_ATTRIBUTE = re2.compile(r"""(\s[\w:.-]*(?:password|secret)[\w:.-]*\s*=\s*["'])([^"'<>{$]*)(["'])""", _OPTIONS)
_USERINFO = re2.compile(r"(//)[^/@\s:]*:[^/@\s]*@")
_QUERY = re2.compile(r"((?:password|pwd|secret)=)[^&;\s]*", _OPTIONS)


def masked(name: str, value: str) -> str:
    """The value, or MASK for a name that says it is secret."""
    return MASK if _SECRET.search(name) and value else masked_url(value)


def masked_values(values: dict[str, Any]) -> dict[str, Any]:
    """A dictionary of which texts are masked by their names."""
    return {name: masked(name, value) if isinstance(value, str) else value for name, value in values.items()}


def masked_url(text: str) -> str:
    """An address without the password in it."""
    return _QUERY.sub(rf"\1{MASK}", _USERINFO.sub(rf"\1{MASK}@", text)) if "//" in text or "=" in text else text


def masked_xml(text: str) -> str:
    """Source of an artifact without the secrets that stand in it as literals; expressions and references stay."""
    found = _ELEMENT.sub(_keep_expression, text)
    found = _NAMED.sub(rf"\1{MASK}\3", found)
    found = _VALUE.sub(rf"\1{MASK}", found)
    found = _ATTRIBUTE.sub(rf"\1{MASK}\3", found)
    return str(_USERINFO.sub(rf"\1{MASK}@", found))


def _keep_expression(found: re2._Match) -> str:
    value = found[2].strip()
    return str(found[0]) if not value or value.startswith(("{", "$")) else f"{found[1]}{MASK}{found[3]}"
