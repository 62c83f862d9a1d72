"""What a message is like at one moment, and what differs between two moments."""

from __future__ import annotations

from typing import Any

from integrator.engine.content import media
from integrator.engine.expressions.values import text_of
from integrator.engine.message import Message
from integrator.engine.tracing.masking import MASK, is_secret, shown
from integrator.engine.tracing.peeking import peek
from integrator.engine.tracing.record import Body, Change, Limits, Trace
from integrator.engine.xmltools import serialise

Look = dict[str, dict[str, Any]]
"""Values by scope and name, as the message held them."""
MAX_CHANGES = 200
MAX_SECRETS = 100
SHORTEST_SECRET, LONGEST_SECRET = 6, 10_000
"""Characters: shorter ones would hide words that only look the same."""


def look(message: Message, trace: Trace) -> Look:
    """Everything but the body. The message is not changed by looking at it.

    What a step may change in place (elements, objects, arrays) is held as text, up to the trace's limit of such texts.
    """
    headers: dict[str, Any] = {}
    for name, value in message.headers.wire():
        key, text = name.decode("latin-1").lower(), value.decode("utf-8", "replace")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return {
        "property": _held(message.properties, trace),
        "variable": _held(message.variables, trace) if message.variables else {},
        "axis2": _held(message.axis2, trace),
        "header": headers,
        "operation": _held(message.operation, trace),
        "client": _held(message.client_options, trace),
        "parameter": _held(message.func[-1], trace) if message.func else {},
        "address": {
            "To": message.to,
            "Action": message.action,
            "Direction": "response" if message.response else "request",
        },
    }


def _held(values: dict[str, Any], trace: Trace) -> dict[str, Any]:
    held = dict(values)
    for name, value in values.items():
        if (isinstance(value, list | dict) or hasattr(value, "tag")) and trace.written <= trace.limits.written:
            held[name] = text = written(value)
            trace.written += len(text or "")
    return held


def changes(before: Look, after: Look, limits: Limits, secrets: set[str]) -> list[Change]:
    """What differs, by scope in the order of `look`; values masked and cut.

    Values of secret names join `secrets`, which are masked wherever else they stand: a step may copy them.
    """
    found: list[Change] = []
    for scope, now in after.items():
        then = before[scope]
        for name in [*then, *(name for name in now if name not in then)]:
            old, new = then.get(name), now.get(name)
            if old is new or len(found) >= MAX_CHANGES:
                continue
            was, is_now = written(old), written(new)
            if was != is_now:
                if is_now and is_secret(name):
                    remember(is_now, secrets)
                kept = (_kept(name, text, limits, secrets) for text in (was, is_now))
                found.append(Change(scope, name, *kept))
    return found


def all_of(now: Look, limits: Limits, secrets: set[str]) -> list[Change]:
    """Everything a message holds, as if it were new; headers first, so that their secrets are known."""
    ordered = {"header": now["header"], **now}
    return changes({scope: {} for scope in now}, ordered, limits, secrets)


def remember(text: str, secrets: set[str]) -> None:
    """Mask a value, and its last word (what stands behind `Bearer`), from now on."""
    if len(secrets) < MAX_SECRETS:
        secrets.update(
            part for part in (text, text.rpartition(" ")[2]) if SHORTEST_SECRET <= len(part) <= LONGEST_SECRET
        )


def without(text: str, secrets: set[str]) -> str:
    """The text without any of the secrets, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _kept(name: str, text: str | None, limits: Limits, secrets: set[str]) -> str | None:
    return None if text is None else without(shown(name, text, limits.value), secrets)


def written(value: Any) -> str | None:
    """A property value as text; None for none."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict):
        pairs = (f"{key}={MASK if is_secret(str(key)) else written(item)}" for key, item in list(value.items())[:100])
        return f"{{{', '.join(pairs)}}}"
    if hasattr(value, "tag"):
        return serialise(value)
    if isinstance(value, list):
        return "".join(serialise(item) if hasattr(item, "tag") else str(item) for item in value[:100])
    if hasattr(value, "reads_content"):  # a template parameter that is evaluated where it is used
        return str(getattr(value, "text", ""))
    return text_of(value)


def mark(message: Message) -> tuple[Any, ...]:
    """Differs when the body was replaced; the same does not mean that it was not changed in place."""
    payload = message.payload
    return id(payload), id(payload.data), id(payload._json), id(payload._envelope), payload.content_type  # noqa: SLF001


def body(message: Message, trace: Trace) -> tuple[Body, int]:
    """The body now, not masked yet, and a hash of all of it. It is not parsed for that, nor taken from the wire: of one
    that goes through unread, the beginning is noted as it passes.
    """
    payload, limits = message.payload, trace.limits
    if payload.unread is not None:
        return peek(payload, message.headers.get("Content-Encoding"), trace), 0
    if not payload.built:
        return _bytes(payload.data or b"", payload.content_type, limits)
    if payload.is_json:
        text = payload.json_text()
    else:
        root = payload.root if payload.pox else payload.envelope
        text = serialise(root) if root is not None else ""
    kept = Body(text[: limits.payload], payload.content_type, len(text), cut=len(text) > limits.payload)
    return kept, hash((text, payload.content_type))


def _bytes(data: bytes, content_type: str, limits: Limits) -> tuple[Body, int]:
    if media.family(media.media_type(content_type)) == media.BINARY and b"\0" in data[:4096]:
        return Body("", content_type, len(data), "binary"), hash(data)
    text = data[: limits.payload * 4].decode(media.charset(content_type), "replace")
    kept = Body(text[: limits.payload], content_type, len(data), cut=len(text) > limits.payload)
    return kept, hash((data, content_type))
