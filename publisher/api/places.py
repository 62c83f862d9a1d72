"""Translates the place of a mistake from the actions' words to the contract's: `plans[0]` → `policies[0]`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from apim.errors import FieldError, Invalid
from publisher.api import dto
from publisher.api.shapes import contract

_TOP = {ours: theirs for theirs, ours in dto.FIELDS.items()} | {
    ours: f"businessInformation.{theirs}" for theirs, ours in dto.BUSINESS.items()
}
_TOP |= contract.PLACES
_BELOW = {
    "cors": {ours: theirs for theirs, ours in dto.CORS.items()},
    "endpoints": {ours: theirs for theirs, ours in dto.ENDPOINTS.items()}
    | {
        "timeout_ms": "config.actionDuration",
        "timeout_action": "config.actionSelect",
        "connect_timeout_ms": "config.connectTimeout",
        "suspension": "config",
        "codes": "retryErroCode",
        "retry_delay_ms": "retryDelay",
        "suspend_codes": "suspendErrorCode",
        "initial_ms": "suspendDuration",
        "maximum_ms": "suspendMaxDuration",
        "health": "config.healthCheck",
        "breaker": "config.circuitBreakers",
    },
    "operations": {"auth": "authType", "policy": "throttlingPolicy"},
}
_WORD = re.compile(r"[A-Za-z_]+")


def translate(field: str) -> str:
    """The contract's name of the place `field`."""
    match = _WORD.match(field)
    if match is None or match[0] not in _TOP:
        return field
    below = _BELOW.get(match[0], {})
    rest = _WORD.sub(lambda word: below.get(word[0], word[0]), field[match.end() :])
    return _TOP[match[0]] + rest


@contextmanager
def contract_places() -> Iterator[None]:
    """Raise an Invalid from inside with the contract's field names."""
    try:
        yield
    except Invalid as error:
        fields = [FieldError(translate(wrong.field), wrong.message) for wrong in error.fields]
        first = f"{fields[0].field}: {fields[0].message}" if fields else error.description
        translated = type(error)(first, fields)
        raise translated from error
