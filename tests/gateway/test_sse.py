"""Server-sent events through a real gateway: streamed while the backend still sends, counted, and cut where a limit ends."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

import pytest

from gateway import schema
from gateway.protocols.events import Meter
from gateway.protocols.sse import Scanner
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.process import Gateway, running_gateway
from tests.gateway.sse_backend import SseBackend
from tests.support.wait import until


@pytest.fixture
def source() -> Iterator[SseBackend]:
    """A source of events."""
    one = SseBackend()
    yield one
    one.stop()


def publish(served: Served, name: str, source: SseBackend, plan: str = "Unlimited", **changes: Any) -> None:
    """An API of server-sent events that application 1 is subscribed to."""
    operation = schema.Operation("SUBSCRIBE", "/*")
    record = world.api(name, source.url, operation, **{"kind": "SSE"} | changes)
    served.publish(("api", f"Default:{record.id}", record), world.subscription(name, plan=plan))


class Listener:
    """One reader of a stream."""

    def __init__(self, gateway: Gateway, path: str, token: str) -> None:
        self.connection = HTTPConnection("127.0.0.1", gateway.http, timeout=10)
        self.connection.request("GET", path, headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"})
        self.answer: HTTPResponse = self.connection.getresponse()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.answer.close()
        self.connection.close()

    def event(self) -> bytes:
        """The next block of lines."""
        lines = b""
        while not lines.endswith(b"\n\n"):
            line = self.answer.readline()
            if not line:
                return lines
            lines += line
        return lines


def test_events_arrive_while_the_backend_is_still_open(served: Served, source: SseBackend) -> None:
    publish(served, "sse-live", source)
    with Listener(served.gateway, "/sse-live/1.0/news?x=1", served.signer.token()) as listener:
        assert listener.answer.status == 200
        for number in range(3):
            source.emit(b"data: %d\n\n" % number)
            assert listener.event() == b"data: %d\n\n" % number
            assert source.open == 1, "the backend has not ended its answer"
        asked = source.requests[-1]
        assert asked["path"] == "/base/news?x=1"
        assert not asked.keys() & {"authorization", "accept-encoding"}
    until(lambda: source.ended == 1, what="the backend's connection ends with the caller's")


def test_silence_longer_than_the_endpoints_timeout_is_allowed(served: Served, source: SseBackend) -> None:
    publish(served, "sse-quiet", source, production=schema.Endpoint(source.url, timeout_ms=500))
    with Listener(served.gateway, "/sse-quiet/1.0/news", served.signer.token()) as listener:
        source.emit(b"data: a\n\n")
        assert listener.event() == b"data: a\n\n"
        time.sleep(1.5)
        source.emit(b"data: b\n\n")
        assert listener.event() == b"data: b\n\n"


def test_silence_is_bounded_by_the_setting(
    served: Served, source: SseBackend, tmp_path: Any, lonely_redis_url: str
) -> None:
    publish(served, "sse-dead", source)
    with running_gateway(tmp_path, served.hub.url, lonely_redis_url, GATEWAY_SSE_IDLE_SECONDS="1") as gateway:
        gateway.until_sequence(served.hub.sequence)
        with Listener(gateway, "/sse-dead/1.0/news", served.signer.token()) as listener:
            source.emit(b"data: a\n\n")
            assert listener.event() == b"data: a\n\n"
            with contextlib.suppress(OSError, HTTPException):
                assert listener.event() == b"", "the connection is broken"
    until(lambda: source.ended == 1, what="the backend is left")


def test_a_plan_counts_events_and_cuts_the_stream(served: Served, source: SseBackend) -> None:
    served.publish(world.policy("subscription", "Three", quota=schema.Limit(3, world.WINDOW, "events")))
    publish(served, "sse-plan", source, "Three")
    token = served.signer.token()
    with Listener(served.gateway, "/sse-plan/1.0/news", token) as listener:
        source.emit(b": a comment is no event\n\nid: 1\ndata: one\n\ndata: two\n\nda")
        source.emit(b"ta: three\n\ndata: four\n\n")
        assert listener.event() == b": a comment is no event\n\n"
        assert [listener.event() for _ in range(3)] == [b"id: 1\ndata: one\n\n", b"data: two\n\n", b"data: three\n\n"]
        assert listener.event() == b": 900808 Message throttled out\n\n"
        assert listener.event() == b"", "the stream ends in good order"
    answer = served.gateway.call("/sse-plan/1.0/news", token=token)
    assert (answer.status, answer.json["code"]) == (429, "900808")
    until(lambda: source.ended == 1, what="the backend is left")


def test_loss_of_the_subscription_ends_the_stream(served: Served, source: SseBackend) -> None:
    publish(served, "sse-life", source)
    with Listener(served.gateway, "/sse-life/1.0/news", served.signer.token()) as listener:
        source.emit(b"data: a\n\n")
        assert listener.event() == b"data: a\n\n"
        served.publish(("subscription", "sub-sse-life-1", None))
        assert listener.event().startswith(b": 900908 ")
        assert listener.event() == b""


def test_refusals_and_answers_that_are_no_stream(served: Served, source: SseBackend) -> None:
    publish(served, "sse-other", source)
    assert served.gateway.call("/sse-other/1.0/news").status == 401
    answer = served.gateway.call("/sse-other/1.0/plain", token=served.signer.token())
    assert (answer.status, answer.body) == (404, b"{}")
    publish(served, "sse-nobody", source, production=schema.Endpoint("http://127.0.0.1:9"))
    assert served.gateway.call("/sse-nobody/1.0/news", token=served.signer.token()).json["code"] == "101503"


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_found_however_the_stream_is_cut(end: bytes, size: int) -> None:
    lines = [b"data: a", b"", b": comment", b"", b"", b"id: 1", b"data: b", b"data: c", b"", b"event: d", b"data", b""]
    stream = end.join(lines) + end
    scanner = Scanner(Meter(()))
    assert sum(scanner.scan(stream[at : at + size])[1] for at in range(0, len(stream), size)) == 3
