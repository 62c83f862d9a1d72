"""Keeps what each gateway worker reports about itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from django.core.exceptions import ValidationError
from django.utils import timezone

from apim.errors import FieldError, Invalid
from apim.eventhub.models import GatewayStatus
from gateway import schema

MOST_REFUSALS = 100
"""Refused records kept of one report."""

MOST_STRANGERS = 50
"""Callers without an API that are noted of one report."""

MOST_KEY_USES = 1000
"""Uses of API keys that are noted of one report."""

Listener = Callable[[str, list[schema.Stranger]], None]
_listeners: list[Listener] = []


def on_strangers(listener: Listener) -> None:
    """Register `listener(gateway, strangers)` (in `AppConfig.ready`): who looked for APIs that do not exist."""
    if listener not in _listeners:
        _listeners.append(listener)


UseListener = Callable[[list[schema.KeyUse]], None]
_use_listeners: list[UseListener] = []


def on_key_uses(listener: UseListener) -> None:
    """Register `listener(uses)` (in `AppConfig.ready`): which API keys were used, and when last."""
    if listener not in _use_listeners:
        _use_listeners.append(listener)


def store(body: bytes) -> None:
    """Remember the report in `body`, a `gateway.schema.Status`. Raises Invalid naming the field."""
    report = _decode(body)
    values = {
        "environment": report.environment,
        "host": report.host,
        "pid": report.pid,
        "sequence": report.sequence,
        "apis": report.apis,
        "subscriptions": report.subscriptions,
        "version": report.version,
        "started": _moment(report.started),
        "seen": timezone.now(),
        "refusals": msgspec.to_builtins(report.refusals[:MOST_REFUSALS]),
    }
    _check(GatewayStatus(gateway=report.gateway, **values))
    GatewayStatus.objects.update_or_create(gateway=report.gateway, defaults=values)
    if report.key_uses:
        for told in _use_listeners:
            told(report.key_uses[:MOST_KEY_USES])
    if report.strangers:
        for listener in _listeners:
            listener(report.gateway, report.strangers[:MOST_STRANGERS])


def _decode(body: bytes) -> schema.Status:
    try:
        return msgspec.json.decode(body, type=schema.Status)
    except msgspec.DecodeError as error:
        raise Invalid(f"Not a gateway status: {error}") from error


def _moment(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Invalid(f"started: {seconds!r} is not a time in Unix seconds.") from error


def _check(row: GatewayStatus) -> None:
    try:
        row.clean_fields(exclude=["refusals"])
    except ValidationError as error:
        wrong = [FieldError(name, text) for name, texts in error.message_dict.items() for text in texts]
        raise Invalid("Not a gateway status.", wrong) from error
