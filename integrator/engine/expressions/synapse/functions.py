"""Functions of `${…}` expressions that work on their arguments alone. What does not fit raises Empty."""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from integrator.engine.content.payload import decode_json
from integrator.engine.errors import BadPayload
from integrator.engine.expressions.jsonpath import MISSING
from integrator.engine.expressions.synapse.dates import read_date, write_date
from integrator.engine.expressions.synapse.values import (
    MOST,
    Empty,
    as_text,
    finite,
    flag,
    number,
    present,
    text,
    whole,
)


def _length(value: Any) -> int:
    if isinstance(value, str | list | dict):
        return len(value)
    return len(text(value))


def _sub_string(value: Any, start: Any, end: Any = None) -> str:
    given, first = text(value), whole(start)
    last = len(given) if end is None else whole(end)
    if not 0 <= first <= last <= len(given):
        raise Empty(f"subString from {first} to {last} of a text of {len(given)}")
    return given[first:last]


def _replace(value: Any, old: Any, new: Any) -> str:
    given, before, after = text(value), text(old), text(new)
    if len(given) + (given.count(before) * len(after)) > MOST:
        raise Empty(f"replace gives more than {MOST} characters")
    return given.replace(before, after)


def _split(value: Any, by: Any) -> list[str]:
    given, sign = text(value), text(by)
    return given.split(sign) if sign else list(given)


def _char_at(value: Any, at: Any) -> str:
    given, index = text(value), whole(at)
    if not 0 <= index < len(given):
        raise Empty(f"charAt {index} of a text of {len(given)}")
    return given[index]


def _index_of(value: Any, part: Any, start: Any = 0) -> int:
    return text(value).find(text(part), max(whole(start), 0))


def _round(value: Any, places: Any = None) -> int | float:
    if places is None:
        return int(Decimal(repr(number(value))).to_integral_value(ROUND_HALF_UP))
    digits = whole(places)
    if not 0 <= digits <= 30:
        raise Empty("round takes 0 to 30 places")
    return finite(lambda: float(Decimal(repr(number(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)))


def _integer(value: Any) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(finite(lambda: value))
    given = text(value).strip()
    if len(given) > 400:
        raise Empty("a text of more than 400 characters is no number")
    try:
        return int(given)
    except ValueError as error:
        raise Empty("the text is no whole number") from error


def _float(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(finite(lambda: float(value)))
    try:
        return float(finite(lambda: float(text(value))))
    except ValueError as error:
        raise Empty("the text is no number") from error


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    given = text(value).strip().lower()
    if given not in ("true", "false"):
        raise Empty("neither true nor false")
    return given == "true"


def _parsed(kind: type) -> Callable[[Any], Any]:
    def parsed(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        try:
            found = decode_json(text(value))
        except BadPayload as error:
            raise Empty("the text is no JSON") from error
        if not isinstance(found, kind):
            raise Empty(f"the text is no JSON {'object' if kind is dict else 'array'}")
        return found

    return parsed


def _encode(value: Any, charset: Any = "UTF-8") -> str:
    try:
        return base64.b64encode(text(value).encode(text(charset))).decode()
    except (LookupError, UnicodeError) as error:
        raise Empty("base64encode: the text has no such encoding") from error


def _decode(value: Any, charset: Any = "UTF-8") -> str:
    try:
        return base64.b64decode(text(value), validate=True).decode(text(charset))
    except (LookupError, ValueError) as error:
        raise Empty("base64decode: the text is not in base64") from error


def _url_encode(value: Any, charset: Any = "UTF-8") -> str:
    try:
        return quote_plus(text(value), encoding=text(charset))
    except (LookupError, UnicodeError) as error:
        raise Empty("urlEncode: the text has no such encoding") from error


def _url_decode(value: Any) -> str:
    return unquote_plus(text(value))


def _format_date(value: Any, first: Any, second: Any = None) -> str:
    try:
        if second is None:
            moment = datetime.fromtimestamp(number(value) / 1000, UTC)
            return write_date(moment, text(first))
        return write_date(read_date(text(value), text(first)), text(second))
    except (ValueError, OverflowError, OSError) as error:
        raise Empty(f"formatDateTime: {error}") from error


def _log(value: Any, base: Any = 10) -> Any:
    """To base 10 when no base is given."""
    return finite(lambda: math.log10(number(value)) if base == 10 else math.log(number(value)) / math.log(number(base)))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


FUNCTIONS: dict[str, tuple[int, int, Callable[..., Any]]] = {
    "length": (1, 1, _length),
    "toUpper": (1, 1, lambda value: text(value).upper()),
    "toLower": (1, 1, lambda value: text(value).lower()),
    "subString": (2, 3, _sub_string),
    "startsWith": (2, 2, lambda value, part: text(value).startswith(text(part))),
    "endsWith": (2, 2, lambda value, part: text(value).endswith(text(part))),
    "contains": (2, 2, lambda value, part: text(part) in text(value)),
    "trim": (1, 1, lambda value: text(value).strip()),
    "replace": (3, 3, _replace),
    "split": (2, 2, _split),
    "charAt": (2, 2, _char_at),
    "indexOf": (2, 3, _index_of),
    "abs": (1, 1, lambda value: abs(number(value))),
    "floor": (1, 1, lambda value: math.floor(number(value))),
    "ceil": (1, 1, lambda value: math.ceil(number(value))),
    "sqrt": (1, 1, lambda value: finite(lambda: math.sqrt(number(value)))),
    "log": (1, 2, _log),
    "pow": (2, 2, lambda base, power: finite(lambda: math.pow(number(base), number(power)))),
    "round": (1, 2, _round),
    "base64encode": (1, 2, _encode),
    "base64decode": (1, 2, _decode),
    "urlEncode": (1, 2, _url_encode),
    "urlDecode": (1, 1, _url_decode),
    "isString": (1, 1, lambda value: isinstance(value, str)),
    "isNumber": (1, 1, _is_number),
    "isArray": (1, 1, lambda value: isinstance(value, list)),
    "isObject": (1, 1, lambda value: isinstance(value, dict)),
    "integer": (1, 1, _integer),
    "float": (1, 1, _float),
    "string": (1, 1, lambda value: as_text(present(value))),
    "boolean": (1, 1, _boolean),
    "array": (1, 1, _parsed(list)),
    "object": (1, 1, _parsed(dict)),
    "now": (0, 0, lambda: int(time.time() * 1000)),
    "formatDateTime": (2, 3, _format_date),
    "not": (1, 1, lambda value: not flag(value)),
    "exists": (1, 1, lambda value: value is not MISSING and value is not None),
}
"""Name: fewest and most arguments, and what it does."""
