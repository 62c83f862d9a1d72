"""kafkaTransport: publishes messages to topics."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Any

from integrator.connectors import tls
from integrator.engine.connectors.calls import Call, ConnectorError
from integrator.engine.connectors.declare import Connector, Parameter
from integrator.engine.content.payload import encode_json
from integrator.engine.content.writers import write as write_payload
from integrator.engine.expressions.values import text_of
from integrator.engine.xmltools import serialise

CONNECTION = (700501, "KAFKA:CONNECTION_ERROR")
CONFIGURATION = (700502, "KAFKA:INVALID_CONFIGURATION")
GENERAL = (700509, "KAFKA:KAFKA_GENERAL_ERROR")
STRINGS = "org.apache.kafka.common.serialization.StringSerializer"
SERIALIZERS = (
    STRINGS,
    "org.apache.kafka.common.serialization.ByteArraySerializer",
    "org.apache.kafka.common.serialization.LongSerializer",
    "org.apache.kafka.common.serialization.IntegerSerializer",
)
PROBE_S = 5.0
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
IGNORED = (
    "bufferMemory", "retries", "sslKeyPassword", "sslKeystoreLocation", "sslKeystorePassword", "sslTruststorePassword",
    "partitionerClass", "receiveBufferBytes", "sendBufferBytes", "maxBlockTime", "connectionsMaxIdleTime", "timeout",
    "blockOnBufferFull", "maxInFlightRequestsPerConnection", "metadataFetchTimeout", "metadataMaxAge", "retryBackoff",
    "reconnectBackoff", "reconnectBackoffMax", "poolingEnabled", "maxActiveConnections", "maxIdleConnections",
    "maxWaitTime", "minEvictionTime", "evictionCheckInterval", "exhaustedAction", "messageSendMaxRetries",
)  # fmt: skip

CONNECTOR = Connector(
    "kafkaTransport",
    "Publishes messages to topics of Kafka.",
    (
        Parameter("bootstrapServers", "`host:port` of brokers, parted by commas.", required=True),
        Parameter("keySerializerClass", "How keys are written.", default=STRINGS, choices=SERIALIZERS),
        Parameter("valueSerializerClass", "How values are written.", default=STRINGS, choices=SERIALIZERS),
        Parameter("acks", "Who must have a message: 0, 1 or all.", default="1", choices=("0", "1", "all", "-1")),
        Parameter("compressionType", "Compression.", default="none", choices=("none", "gzip")),
        Parameter("clientId", "Name that brokers see.", default="integrator"),
        Parameter("batchSize", "Bytes of a batch.", "integer", default=16_384),
        Parameter("lingerTime", "Milliseconds to wait for more messages of a batch.", "integer", default=0),
        Parameter("maxRequestSize", "Bytes of a request at most.", "integer", default=1_048_576),
        Parameter("requestTimeout", "Milliseconds to wait for brokers.", "integer", default=30_000),
        Parameter("enableIdempotence", "Whether brokers drop what comes twice.", "boolean", default=False),
        Parameter("securityProtocol", "Protocol.", default="PLAINTEXT",
                  choices=("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")),
        Parameter("saslMechanism", "How the integrator shows who it is.", default="PLAIN", choices=MECHANISMS),
        Parameter("saslJaasConfig", "User and password as JAAS writes them.", secret=True),
        Parameter("username", "User (ours, instead of saslJaasConfig)."),
        Parameter("password", "Password (ours).", secret=True),
        Parameter("sslTruststoreLocation", "PEM file of trusted authorities."),
        *(Parameter(name, "Taken and ignored.") for name in IGNORED),
    ),
    error_code=CONFIGURATION[0],
)  # fmt: skip


@CONNECTOR.operation(
    "publishMessages",
    Parameter("topic", "Topic.", required=True),
    Parameter("partitionNo", "Partition; by the key without it, or with -1.", "integer"),
    Parameter("key", "Key."),
    Parameter("value", "Value; the message's body without it.", "any"),
    Parameter("message", "The same as `value`.", "any"),
    Parameter("contentType", "Header Content-Type of the record."),
    Parameter("customHeaders", "Headers of the record, a JSON object or array of objects.", "json"),
    Parameter("forwardExistingHeaders", "Whether the message's headers go along.", default="None", choices=("None", "All")),
    Parameter("kafkaHeaderPrefix", "Put before the names of those."),
    reads_content=True,
)  # fmt: skip
async def publish(call: Call) -> Any:
    """Put a message into a topic; topic, partition and offset become the body and properties."""
    from aiokafka.errors import KafkaConnectionError, KafkaError, ProducerClosed  # noqa: PLC0415  (few homes use it)

    value = call["value"] if call["value"] is not None else call["message"]
    data = _written(value, call.connection["valueSerializerClass"]) if value is not None else _body(call)
    key = _written(call["key"], call.connection["keySerializerClass"]) if call["key"] is not None else None
    partition = call["partitionNo"] if call["partitionNo"] is not None and call["partitionNo"] >= 0 else None
    producer = await call.connections.get(call.described.key, lambda: _producer(call), lambda made: made.stop())
    try:
        found = await producer.send_and_wait(call["topic"], data, key=key, partition=partition, headers=_headers(call))
    except (KafkaError, AssertionError, ValueError, TypeError) as error:
        if isinstance(error, KafkaConnectionError | ProducerClosed):  # other trouble is this message's alone
            await call.connections.drop(call.described.key)
        raise ConnectorError(*GENERAL, f"topic {call['topic']!r}: {type(error).__name__}: {error}") from error
    facts = {"topic": call["topic"], "partition": partition if found is None else found.partition,
             "offset": -1 if found is None else found.offset}  # fmt: skip
    call.message.properties.update(facts)
    return {"success": True, **facts}


def _body(call: Call) -> bytes:
    return write_payload(call.message.payload, "")[0] or b""


def _written(value: Any, serializer: str) -> bytes:
    try:
        if serializer.endswith("LongSerializer"):
            return int(text_of(value) or "").to_bytes(8, "big", signed=True)
        if serializer.endswith("IntegerSerializer"):
            return int(text_of(value) or "").to_bytes(4, "big", signed=True)
    except (ValueError, OverflowError) as error:
        raise ConnectorError(700503, "KAFKA:SERIALIZATION_ERROR", f"{text_of(value)!r} is no whole number") from error
    if isinstance(value, bytes):
        return value
    if hasattr(value, "tag"):
        return serialise(value).encode()
    return encode_json(value) if isinstance(value, dict | list) else (text_of(value) or "").encode()


def _headers(call: Call) -> list[tuple[str, bytes]]:
    given = call["customHeaders"] or []
    found: dict[str, str] = {}
    if call["forwardExistingHeaders"] == "All":
        prefix = call["kafkaHeaderPrefix"] or ""
        found |= {f"{prefix}{name}": text_of(value) or "" for name, value in dict(call.message.headers).items()}
    for item in [given] if isinstance(given, dict) else given:
        found |= {str(name): text_of(value) or "" for name, value in item.items()}
    if call["contentType"]:
        found["Content-Type"] = call["contentType"]
    return [(name, value.encode()) for name, value in found.items()]


async def _producer(call: Call) -> Any:
    from aiokafka import AIOKafkaProducer  # noqa: PLC0415
    from aiokafka.errors import KafkaError  # noqa: PLC0415

    given = call.connection
    servers = [word.strip() for word in given["bootstrapServers"].split(",") if word.strip()]
    for server in servers:
        call.limits.host(server.rpartition(":")[0] or server)
    user, password = _login(given)
    secure = given["securityProtocol"].endswith("SSL")
    producer = None
    try:
        producer = AIOKafkaProducer(
            bootstrap_servers=servers,
            client_id=given["clientId"],
            acks={"0": 0, "1": 1}.get(given["acks"], "all"),
            compression_type=None if given["compressionType"] == "none" else given["compressionType"],
            max_batch_size=given["batchSize"],
            linger_ms=given["lingerTime"],
            max_request_size=given["maxRequestSize"],
            request_timeout_ms=given["requestTimeout"],
            enable_idempotence=given["enableIdempotence"],
            security_protocol=given["securityProtocol"],
            sasl_mechanism=given["saslMechanism"],
            sasl_plain_username=user,
            sasl_plain_password=password,
            ssl_context=tls.context_of(call, given["sslTruststoreLocation"]) if secure else None,
        )
        await producer.start()
    except BaseException as error:  # also when the call's time is over: its tasks would go on for ever
        if producer is not None:
            await producer.stop()
        if not isinstance(error, KafkaError | ValueError | OSError):
            raise
        reason = await _refusal(servers, tls.context_of(call, given["sslTruststoreLocation"])) if secure else ""
        reason = reason or f"{type(error).__name__}: {error}"
        raise ConnectorError(*CONNECTION, f"{given['bootstrapServers']}: {reason}") from error
    return producer


async def _refusal(servers: list[str], context: ssl.SSLContext) -> str:
    """Why the TLS of a broker is refused, which the library only logs; empty when it is not."""
    for server in servers:
        host, _, port = server.rpartition(":")
        try:
            async with asyncio.timeout(PROBE_S):
                _, writer = await asyncio.open_connection(host, int(port), ssl=context)
        except ssl.SSLError as error:
            return str(error)
        except (OSError, ValueError):
            continue
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    return ""


def _login(given: Any) -> tuple[str | None, str | None]:
    if not given["saslJaasConfig"]:
        return given["username"], given["password"]
    found = {}
    for word in given["saslJaasConfig"].rstrip(";").split():
        name, is_pair, text = word.partition("=")
        if is_pair:
            found[name] = text.strip("\"'")
    return found.get("username"), found.get("password")


__all__ = ["CONNECTOR"]
