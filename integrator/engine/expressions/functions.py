"""XPath functions of the engine: get-property with computed arguments, encoding, hashing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from integrator.engine.errors import Fault
from integrator.engine.expressions import keystore, scopes
from integrator.engine.expressions.values import nodes_text, text_of
from integrator.engine.message import Message
from integrator.engine.patterns import Pattern, PatternError, kept
from integrator.engine.vault import lookup

_current = threading.local()
_URL_SAFE = "/?&=:@+,;$!'()*~-_."


@contextmanager
def running(message: Message) -> Iterator[None]:
    """Functions called inside see this message."""
    before = getattr(_current, "message", None)
    _current.message = message
    try:
        yield
    finally:
        _current.message = before


def _text(value: Any) -> str:
    if isinstance(value, list):
        return nodes_text(value)
    return text_of(value) or ""


def _get_property(_context: Any, *arguments: Any) -> Any:
    value = scopes.get_property(_current.message, *(_text(argument) for argument in arguments))
    if value is None:
        return ""
    return value if isinstance(value, str | bool | float) else text_of(value)


def _base64_encode(_context: Any, value: Any, charset: Any = "UTF-8") -> str:
    return base64.b64encode(_text(value).encode(_text(charset))).decode()


def _base64_decode(_context: Any, value: Any, charset: Any = "UTF-8") -> str:
    try:
        return base64.b64decode(_text(value), validate=False).decode(_text(charset))
    except ValueError as error:
        raise Fault(0, f"base64Decode: {error}") from error


def _url_encode(_context: Any, value: Any, charset: Any = "UTF-8") -> str:
    return quote(_text(value), safe=_URL_SAFE, encoding=_text(charset))


def _hmac_generate(_context: Any, payload: Any, secret: Any, algorithm: Any = "HmacSHA1") -> str:
    name = _text(algorithm).lower().removeprefix("hmac")
    if name not in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512"):
        raise Fault(
            0,
            f"hmac-generate: unknown algorithm {_text(algorithm)!r}; allowed: HmacMD5, HmacSHA1, HmacSHA256, HmacSHA512",
        )
    return hmac.new(_text(secret).encode(), _text(payload).encode(), getattr(hashlib, name)).hexdigest()


def _json_eval(_context: Any, path: Any) -> str:
    from integrator.engine.expressions.json import JsonEval  # noqa: PLC0415  (json expressions may hold XPath)

    return JsonEval(_text(path), {}).string(_current.message) or ""


def _replace(_context: Any, value: Any, pattern: Any, replacement: Any) -> str:
    template = _text(replacement)
    return _pattern(pattern).sub(
        lambda found: _GROUP.sub(lambda at: found.group(int(at[1])) or "", template), _text(value)
    )


def _pattern(value: Any) -> Pattern:
    try:
        return kept(_text(value), anywhere=True)
    except PatternError as error:
        raise Fault(0, f"bad regular expression {_text(value)[:200]!r}: {error}") from error


def _matches(_context: Any, value: Any, pattern: Any) -> bool:
    return _pattern(pattern).search(_text(value)) is not None


_GROUP = re.compile(r"\$(\d)")


def _vault(_context: Any, alias: Any, source: Any = "") -> str:
    return lookup(_current.message.deployment.config, _text(alias), _text(source))


def _encrypt(_context: Any, *arguments: Any) -> str:
    return keystore.encrypt(_current.message, *_given("encrypt", arguments))


def _decrypt(_context: Any, *arguments: Any) -> str:
    return keystore.decrypt(_current.message, *_given("decrypt", arguments))


def _given(name: str, arguments: tuple[Any, ...]) -> list[str]:
    if not 4 <= len(arguments) <= 6:
        raise Fault(0, f"{name} takes a text, key store, password and alias, then type and algorithm")
    return [_text(argument) for argument in arguments]


_FUNCTIONS = {
    "vault-lookup": _vault,
    "encrypt": _encrypt,
    "decrypt": _decrypt,
    "get-property": _get_property,
    "base64Encode": _base64_encode,
    "base64Decode": _base64_decode,
    "url-encode": _url_encode,
    "hmac-generate": _hmac_generate,
    "json-eval": _json_eval,
    "replace": _replace,
    "upper-case": lambda _context, value: _text(value).upper(),
    "lower-case": lambda _context, value: _text(value).lower(),
    "matches": _matches,
}


def table() -> dict[tuple[str | None, str], Any]:
    """The functions as lxml wants them; all are known without a prefix."""
    return _TABLE


_TABLE: dict[tuple[str | None, str], Any] = {(None, name): function for name, function in _FUNCTIONS.items()}
