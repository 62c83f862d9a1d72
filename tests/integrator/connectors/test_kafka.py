"""The kafkaTransport connector against the broker of librdkafka's mock cluster: Kafka's protocol on real sockets."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.integrator.connectors.world import flows_of

TOPIC = "orders"


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """Address of a broker; its cluster lives as long as the producer that made it."""
    keeper = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "ignored:1", "log_level": 0})
    found = next(iter(keeper.list_topics(timeout=10).brokers.values()))
    yield f"{found.host}:{found.port}"
    keeper.flush(0)


def connection(address: str, more: str = "") -> str:
    return f"<kafkaTransport.init><bootstrapServers>{address}</bootstrapServers>{more}</kafkaTransport.init>"


def step(**parameters: str) -> str:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parameters.items())
    return f'<kafkaTransport.publishMessages configKey="K">{inner}</kafkaTransport.publishMessages>'


def read(address: str, count: int) -> list[tuple[bytes | None, bytes, dict[str, bytes]]]:
    """The first records of the topic."""
    consumer = Consumer(
        {"bootstrap.servers": address, "group.id": "t", "auto.offset.reset": "earliest", "log_level": 0}
    )
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    found, ends = [], time.monotonic() + 30
    while len(found) < count and time.monotonic() < ends:
        record = consumer.poll(0.5)
        if record is not None and record.error() is None:
            found.append((record.key(), record.value(), dict(record.headers() or [])))
    consumer.close()
    return found


async def test_messages_are_published_and_read(tmp_path: Path, broker: str) -> None:
    flows = {
        "body": step(topic=TOPIC, key="{json-eval($.id)}", partitionNo="0"),
        "value": step(topic=TOPIC, value="{json-eval($.inner)}", partitionNo="0", contentType="application/json",
                      customHeaders='[{"a":"1"},{"b":"zwö"}]'),
    }  # fmt: skip
    async with flows_of(tmp_path / "h", flows, {"K": connection(broker, "<acks>all</acks>")}) as world:
        first = await world.json("body", {"id": "k1"})
        assert first == {"success": True, "topic": TOPIC, "partition": 0, "offset": 0}
        assert (await world.json("value", {"inner": {"x": [1]}}))["offset"] == 1
        records = await world.running.service.engine.runtime.run(read, broker, 2)  # type: ignore[union-attr]
    assert records[0] == (b"k1", b'{"id": "k1"}', {})
    assert records[1] == (None, b'{"x":[1]}', {"a": b"1", "b": "zwö".encode(), "Content-Type": b"application/json"})


async def test_no_broker_is_a_fault_without_secrets(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    jaas = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="jaas-word-4";'
    more = (
        "<requestTimeout>500</requestTimeout><securityProtocol>SASL_PLAINTEXT</securityProtocol>"
        f"<saslJaasConfig>{jaas}</saslJaasConfig>"
    )
    numbers = "<valueSerializerClass>org.apache.kafka.common.serialization.LongSerializer</valueSerializerClass>"
    entries = {"K": connection("127.0.0.1:1", more), "N": connection("127.0.0.1:1", numbers)}
    flows = {"f": step(topic=TOPIC), "n": step(topic=TOPIC, value="many").replace('"K"', '"N"')}
    async with flows_of(tmp_path / "h", flows, entries) as world:
        fault = await world.fault("f")
        assert (fault["code"], "jaas-word-4" in str(fault)) == ("700501", False)
        assert (await world.fault("n"))["message"] == "KAFKA:SERIALIZATION_ERROR: 'many' is no whole number"
    assert "jaas-word-4" not in caplog.text


async def test_a_silent_broker_leaves_nothing_running(tmp_path: Path) -> None:
    """When the time of a call is over, so is what it began: a producer that is not closed is a warning, thus an error here."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    entries = {"K": connection(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")}
    toml = "[connectors]\ntimeout_seconds = 1\n"
    async with server, flows_of(tmp_path / "h", {"f": step(topic=TOPIC)}, entries, toml) as world:
        assert "no answer in time" in (await world.fault("f"))["message"]
        gc.collect()
