"""A message as bytes for a store, and back."""

from __future__ import annotations

from typing import Any

import msgspec

from integrator.engine.content.payload import Payload
from integrator.engine.content.writers import write
from integrator.engine.expressions.values import text_of
from integrator.engine.headers import Headers
from integrator.engine.message import Flow, Message

_PLAIN = (str, int, float, bool, type(None))


class Stored(msgspec.Struct, omit_defaults=True):
    """What is kept of a message; a new field needs a default, so that stored messages stay readable."""

    id: str
    body: bytes
    content_type: str
    pox: bool = True
    properties: dict[str, Any] = {}
    headers: list[tuple[str, str]] = []
    axis2: dict[str, Any] = {}
    to: str | None = None
    action: str | None = None
    correlation_id: str = ""


def pack(message: Message) -> bytes:
    """The message as it is now; its body must have been read."""
    payload = message.payload
    body, content_type = write(payload, "" if payload.data is not None else payload.content_type)
    return msgspec.msgpack.encode(
        Stored(
            id=message.id,
            body=body,
            content_type=content_type or payload.content_type,
            pox=payload.pox,
            properties={
                name: _plain(value) for name, value in message.properties.items() if not name.startswith("ERROR_")
            },
            headers=list(message.headers),
            axis2={name: _plain(value) for name, value in message.axis2.items()},
            to=message.to,
            action=message.action,
            correlation_id=message.flow.correlation_id,
        )
    )


def _plain(value: Any) -> Any:
    return value if isinstance(value, _PLAIN) else text_of(value)


def unpack(data: bytes, flow: Flow) -> Message:
    """The message again, in a flow of its own. Raises msgspec.DecodeError for bytes that are no stored message."""
    stored = msgspec.msgpack.decode(data, type=Stored)
    message = Message(flow, Payload(stored.body or None, stored.content_type, pox=stored.pox), Headers(stored.headers))
    message.id = stored.id
    message.properties = stored.properties
    message.axis2 = stored.axis2
    message.to, message.action = stored.to, stored.action
    flow.correlation_id = stored.correlation_id or flow.correlation_id
    return message
