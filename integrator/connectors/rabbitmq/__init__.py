"""rabbitmq: publishes messages to exchanges and queues; every one is confirmed by the broker."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from integrator.connectors import tls
from integrator.engine.connectors.calls import Call, ConnectorError
from integrator.engine.connectors.declare import Connector, Parameter
from integrator.engine.content.payload import encode_json
from integrator.engine.content.writers import write as write_payload
from integrator.engine.expressions.values import text_of
from integrator.engine.xmltools import serialise

CONNECTION = (700601, "RABBITMQ:CONNECTION_ERROR")
PUBLISH = (700602, "RABBITMQ:NOT_PUBLISHED")
CLOSING_S = 5.0

CONNECTOR = Connector(
    "rabbitmq",
    "Publishes messages to RabbitMQ (ours: the original sends by its transport).",
    (
        Parameter("host", "Host name of the broker.", default="localhost"),
        Parameter("port", "Port: 5672, or 5671 with TLS.", "integer"),
        Parameter("username", "User.", default="guest"),
        Parameter("password", "Password.", default="guest", secret=True),
        Parameter("virtualHost", "Virtual host.", default="/"),
        Parameter("useSsl", "Whether the connection is by TLS.", "boolean", default=False),
        Parameter("connectionTimeout", "Milliseconds to connect.", "integer", default=10_000),
        Parameter("heartbeat", "Seconds between signs of life.", "integer", default=60),
    ),
    error_code=CONNECTION[0],
)


@CONNECTOR.operation(
    "publish",
    Parameter("exchange", "Exchange; the default one, which knows queues by name, without it.", default=""),
    Parameter("routingKey", "Routing key, or the queue's name for the default exchange.", required=True),
    Parameter("message", "Content; the message's body without it.", "any"),
    Parameter("contentType", "Media type of the content."),
    Parameter("persistent", "Whether it outlives a restart of the broker.", "boolean", default=True),
    Parameter("mandatory", "Whether a message that no queue takes is a fault.", "boolean", default=True),
    Parameter("priority", "Priority, 0 to 9.", "integer"),
    Parameter("expiration", "Milliseconds after which nobody gets it.", "integer"),
    Parameter("correlationId", "Correlation id; the integrator's own without it."),
    Parameter("replyTo", "Queue for answers."),
    Parameter("messageId", "Id of the message."),
    Parameter("headers", "Headers: a JSON object.", "json"),
    reads_content=True,
)
async def publish(call: Call) -> Any:
    """Publish a message and wait until the broker has it."""
    import aio_pika  # noqa: PLC0415  (a heavy library that few homes use)

    data, kind = _content(call)
    message = aio_pika.Message(
        data,
        content_type=call["contentType"] or kind,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT if call["persistent"] else aio_pika.DeliveryMode.NOT_PERSISTENT,
        priority=call["priority"],
        expiration=call["expiration"] / 1000 if call["expiration"] is not None else None,
        correlation_id=call["correlationId"] or call.message.flow.correlation_id,
        reply_to=call["replyTo"],
        message_id=call["messageId"],
        headers=call["headers"] if isinstance(call["headers"], dict) else None,
    )
    try:
        exchange = await (await _broker(call)).exchange(call["exchange"])
        await exchange.publish(message, call["routingKey"], mandatory=call["mandatory"])
    except aio_pika.exceptions.DeliveryError as error:
        raise ConnectorError(*PUBLISH, f"no queue takes routing key {call['routingKey']!r}") from error
    except aio_pika.exceptions.ChannelNotFoundEntity as error:
        raise ConnectorError(*PUBLISH, f"exchange {call['exchange']!r} does not exist") from error
    except (aio_pika.exceptions.AMQPError, OSError, asyncio.InvalidStateError) as error:
        await call.connections.drop(call.described.key)
        raise ConnectorError(*PUBLISH, f"{type(error).__name__}: {error}") from error
    return {"success": True, "exchange": call["exchange"], "routingKey": call["routingKey"]}


def _content(call: Call) -> tuple[bytes, str]:
    given = call["message"]
    if given is None:
        payload = call.message.payload
        return write_payload(payload, "")[0] or b"", payload.content_type or "application/octet-stream"
    if hasattr(given, "tag"):
        return serialise(given).encode(), "application/xml"
    if isinstance(given, dict | list):
        return encode_json(given), "application/json"
    return (text_of(given) or "").encode(), "text/plain"


@dataclass
class Broker:
    """A connection, the channel that messages go through, and the exchanges that are known to exist."""

    connection: Any
    channel: Any
    exchanges: set[str] = field(default_factory=set)

    @property
    def closed(self) -> bool:
        """Whether a new one is needed."""
        return bool(self.connection.is_closed or self.channel.is_closed)

    async def exchange(self, name: str) -> Any:
        """The exchange of a name. One that does not exist would end the channel and what others send through it."""
        if not name:
            return self.channel.default_exchange
        if name not in self.exchanges:
            probe = await self.connection.channel()
            try:
                await probe.get_exchange(name)
            finally:
                await probe.close()
            self.exchanges.add(name)
        return await self.channel.get_exchange(name, ensure=False)


async def _broker(call: Call) -> Broker:
    key = call.described.key
    held: Broker = await call.connections.get(key, lambda: _connect(call), lambda made: made.connection.close())
    if held.closed:
        await call.connections.drop(key)
        held = await call.connections.get(key, lambda: _connect(call), lambda made: made.connection.close())
    return held


async def _connect(call: Call) -> Broker:
    import aio_pika  # noqa: PLC0415

    given = call.connection
    host = call.limits.host(given["host"])
    connection = None
    try:
        connection = await aio_pika.connect(
            host=host,
            port=given["port"] or (5671 if given["useSsl"] else 5672),
            login=given["username"],
            password=given["password"],
            virtualhost=given["virtualHost"],
            ssl=given["useSsl"],
            ssl_context=tls.context_of(call) if given["useSsl"] else None,
            timeout=given["connectionTimeout"] / 1000,
            heartbeat=given["heartbeat"],
        )
        return Broker(connection, await connection.channel(publisher_confirms=True, on_return_raises=True))
    except BaseException as error:  # also when the call's time is over: nobody else knows of the connection
        if connection is not None:
            call.runtime.spawn(_closed(connection))
        if not isinstance(error, aio_pika.exceptions.AMQPError | OSError | TimeoutError | ValueError):
            raise
        raise ConnectorError(*CONNECTION, f"{host}: {type(error).__name__}: {error}") from error


async def _closed(connection: Any) -> None:
    with suppress(Exception):  # a broker that does not answer is left at once
        async with asyncio.timeout(CLOSING_S):
            await connection.close()
