"""Which tokens a key manager is asked about at all: regular expressions over the token, or over members of a JWT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gateway.schema import TokenPattern
from gateway.schema.patterns import pattern
from gateway.tokens.jwt import TOKEN_LIMIT, Token

Test = Callable[[bytes, Token | None], bool]
"""Whether a token is one of the key manager's; the second argument is None for an opaque one."""


def compile_patterns(patterns: Sequence[TokenPattern]) -> Test | None:
    """The test that a token passes when any of `patterns` fits it wholly; None when there are none. Raises ValueError."""
    tests = tuple(_compiled(one) for one in patterns)
    if not tests:
        return None
    return lambda raw, token: any(test(raw, token) for test in tests)


def _compiled(one: TokenPattern) -> Test:
    if one.kind == "JWT":
        return _of_jwt(one)
    expression = pattern(one.value)
    opaque_only = one.kind == "REFERENCE"

    def fits(raw: bytes, token: Token | None) -> bool:
        if (opaque_only and token is not None) or len(raw) > TOKEN_LIMIT:
            return False
        return expression.fullmatch(raw.decode("latin-1")) is not None

    return fits


def _of_jwt(one: TokenPattern) -> Test:
    header = tuple((name, pattern(text)) for name, text in one.header)
    body = tuple((name, pattern(text)) for name, text in one.body)

    def fits(raw: bytes, token: Token | None) -> bool:
        return token is not None and _all(header, token.header) and _all(body, token.claims)

    return fits


def _all(wanted: tuple[tuple[str, Any], ...], members: dict[str, Any]) -> bool:
    return all(name in members and _text_fits(expression, members[name]) for name, expression in wanted)


def _text_fits(expression: Any, value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(expression.fullmatch(str(one)) is not None for one in values)
