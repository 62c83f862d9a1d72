"""The rabbitmq connector against a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import aio_pika
import pytest

from integrator.connectors import rabbitmq
from tests.integrator.connectors.silent import closed, server
from tests.integrator.connectors.world import flows_of
from tests.support.authority import Authority
from tests.support.ports import free_port
from tests.support.rabbit import running_rabbitmq


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who vouches for the broker."""
    return Authority(tmp_path_factory.mktemp("authority"), "right")


@pytest.fixture(scope="module")
def tls_port() -> int:
    """Where the broker listens by TLS."""
    return free_port()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, authority: Authority, tls_port: int) -> Iterator[int]:
    """Port of a broker for this file."""
    secure = (tls_port, authority.certify("localhost"))
    with running_rabbitmq(tmp_path_factory.mktemp("rabbit"), secure) as port:
        yield port


def connection(port: int, more: str = "") -> str:
    return f"<rabbitmq.init><host>127.0.0.1</host><port>{port}</port>{more}</rabbitmq.init>"


def step(key: str = "R", **parameters: str) -> str:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parameters.items())
    return f'<rabbitmq.publish configKey="{key}">{inner}</rabbitmq.publish>'


async def test_messages_reach_their_queue_or_are_a_fault(tmp_path: Path, broker: int) -> None:
    flows = {
        "body": step(routingKey="q1", headers='{"h":"1"}', correlationId="c-9"),
        "exchange": step(
            routingKey="a.b", exchange="ex", message="{json-eval($.m)}", persistent="false", expiration="60000"
        ),
        "nobody": step(routingKey="no-such-queue"),
        "quiet": step(routingKey="no-such-queue", mandatory="false"),
        "noexchange": step(routingKey="x", exchange="no-such-exchange"),
    }
    client = await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{broker}/")
    async with client, flows_of(tmp_path / "h", flows, {"R": connection(broker)}) as world:
        channel = await client.channel()
        queue = await channel.declare_queue("q1", durable=True)
        exchange = await channel.declare_exchange("ex", "topic")
        await queue.bind(exchange, "a.*")
        assert (await world.json("body", {"k": 1}))["success"] is True
        first = await queue.get(timeout=5)
        assert first is not None
        assert (first.body, first.content_type, first.correlation_id, first.headers) == (
            b'{"k": 1}', "application/json", "c-9", {"h": "1"},
        )  # fmt: skip
        assert first.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
        await world.json("exchange", {"m": "text"})
        second = await queue.get(timeout=5)
        assert second is not None
        assert (second.body, second.delivery_mode) == (b"text", aio_pika.DeliveryMode.NOT_PERSISTENT)
        fault = await world.fault("nobody")
        assert (fault["code"], "no queue takes routing key 'no-such-queue'" in fault["message"]) == ("700602", True)
        assert (await world.json("quiet"))["success"] is True
        fault = await world.fault("noexchange")
        assert (fault["code"], "exchange 'no-such-exchange' does not exist" in fault["message"]) == ("700602", True)
        assert (await world.json("body", {"k": 2}))["success"] is True, "a closed channel is opened again"


async def test_a_wrong_password_is_a_fault_without_it(
    tmp_path: Path, broker: int, caplog: pytest.LogCaptureFixture
) -> None:
    entries = {"R": connection(broker, "<password>rabbit-word-2</password>"), "D": connection(1)}
    flows = {"f": step(routingKey="q"), "d": step("D", routingKey="q")}
    async with flows_of(tmp_path / "h", flows, entries) as world:
        fault = await world.fault("f")
        assert (fault["code"], "rabbit-word-2" in str(fault)) == ("700601", False)
        assert (await world.fault("d"))["code"] == "700601"
    assert "rabbit-word-2" not in caplog.text


async def test_tls(tmp_path: Path, broker: int, authority: Authority, tls_port: int) -> None:
    """The broker of a known authority is believed, under its own name only."""
    secure = "<useSsl>true</useSsl>"
    named = connection(tls_port, secure).replace("127.0.0.1", "localhost")
    entries = {"R": named, "N": connection(tls_port, secure)}
    flows = {"f": step(routingKey="q", mandatory="false"), "n": step("N", routingKey="q")}
    async with flows_of(tmp_path / "h", flows, entries, trust=str(authority.file)) as world:
        assert (await world.json("f"))["success"] is True
        fault = await world.fault("n")
        assert (fault["code"], "certificate is not valid for '127.0.0.1'" in fault["message"]) == ("700601", True)
    async with flows_of(tmp_path / "i", flows, entries, trust=str(Authority(tmp_path, "wrong").file)) as world:
        fault = await world.fault("f")
        assert (fault["code"], "unable to get local issuer certificate" in fault["message"]) == ("700601", True)


CHANNEL_OPEN = b"\x00\x14\x00\x0a"
"""Class and method of the frame by which a client asks for a channel."""


@pytest.mark.parametrize("silent_at", [b"AMQP", CHANNEL_OPEN], ids=["begin", "channel"])
async def test_a_connection_whose_call_is_over_is_closed(
    tmp_path: Path, broker: int, monkeypatch: pytest.MonkeyPatch, silent_at: bytes
) -> None:
    """The broker says nothing any more while the connection is made, or when it is there and a channel is asked for."""
    monkeypatch.setattr(rabbitmq, "CLOSING_S", 0.1)

    async def swallowing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, to = await asyncio.open_connection("127.0.0.1", broker)

        async def answers() -> None:
            while data := await back.read(65536):
                writer.write(data)

        answering = asyncio.create_task(answers())
        while (data := await reader.read(65536)) and silent_at not in data:
            to.write(data)
        answering.cancel()
        to.close()

    async with server(swallowing) as (port, left):
        flows, entries = {"f": step(routingKey="q")}, {"R": connection(port)}
        async with flows_of(tmp_path / "h", flows, entries, "[connectors]\ntimeout_seconds = 2\n") as world:
            assert "no answer in time" in (await world.fault("f"))["message"]
            await closed(left)
