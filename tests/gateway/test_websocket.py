"""WebSocket APIs through a real gateway, with a real backend and real callers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway import schema
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.gateway.process import running_gateway
from tests.gateway.ws_backend import RawCaller, WsBackend, caller, masked
from tests.support.wait import until

BOTH = (schema.Operation("SUBSCRIBE", "/*"), schema.Operation("PUBLISH", "/*"))


@pytest.fixture(scope="module")
def ws_backend() -> Iterator[WsBackend]:
    """A backend without compression."""
    one = WsBackend()
    yield one
    one.stop()


def publish(served: Served, name: str, backend: WsBackend, *operations: schema.Operation, **changes: Any) -> None:
    """A WebSocket API that application 1 is subscribed to."""
    plan = changes.pop("plan", "Unlimited")
    record = world.api(
        name, backend.url, *(operations or BOTH), **{"kind": "WS", "transports": ("ws", "wss")} | changes
    )
    served.publish(("api", f"Default:{record.id}", record), world.subscription(name, plan=plan))


def refusal(served: Served, path: str, token: str = "") -> Any:
    """The answer to a handshake that is refused."""
    with pytest.raises(InvalidStatus) as raised:
        caller(served.gateway, path, token)
    return raised.value.response


def closing(connection: Any) -> tuple[int, str]:
    """Code and reason with which the gateway closes."""
    with pytest.raises(ConnectionClosed) as raised:
        while True:
            connection.recv(timeout=10)
    received = raised.value.rcvd
    assert received is not None, "closed without a close frame"
    return received.code, received.reason


def test_messages_pass_both_ways_and_the_backend_sees_no_token(served: Served, ws_backend: WsBackend) -> None:
    publish(served, "ws-echo", ws_backend)
    with caller(served.gateway, "/ws-echo/1.0/room?x=1&access_token=no", served.signer.token()) as connection:
        for message in ("hello", b"\x00\xff", "", "x" * 200, "y" * 70_000, b"z" * 900_000):
            connection.send(message)
            assert connection.recv(timeout=10) == message
        assert connection.ping().wait(10)
        connection.send(["a", "b", "c"])
        assert connection.recv(timeout=10) == "abc"
    asked = ws_backend.requests[-1]
    assert asked.path == "/base/room?x=1"
    assert "authorization" not in asked.headers
    assert asked.headers["activityid"]
    until(lambda: ws_backend.closes[-1:] == [1000], what="the caller's close reaches the backend")


def test_token_in_the_query_and_none_at_all(served: Served, ws_backend: WsBackend) -> None:
    publish(served, "ws-query", ws_backend)
    with caller(served.gateway, f"/ws-query/1.0/r?access_token={served.signer.token()}") as connection:
        connection.send("hi")
        assert connection.recv(timeout=10) == "hi"
    assert refusal(served, "/ws-query/1.0/r").status_code == 401
    assert refusal(served, "/ws-query/1.0/r?access_token=nonsense").status_code == 401
    assert refusal(served, "/ws-query/1.0/r?access_token=%E2%82%AC").status_code == 401, "no Latin-1"
    many = "&".join(f"q{number}=1" for number in range(1500))
    assert refusal(served, f"/ws-query/1.0/r?access_token=x&{many}").status_code == 401
    assert b"900908" in refusal(served, "/ws-query/1.0/r", served.signer.token(client="client-9", azp="client-9")).body


def test_plain_calls_and_bad_handshakes_are_told(served: Served, ws_backend: WsBackend) -> None:
    publish(served, "ws-shake", ws_backend)
    token = served.signer.token()
    assert served.gateway.call("/ws-shake/1.0/r", token=token).status == 426
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
    wrong_version = upgrade | {"Sec-WebSocket-Version": "8", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    answer = served.gateway.call("/ws-shake/1.0/r", token=token, headers=wrong_version)
    assert (answer.status, answer.headers["sec-websocket-version"]) == (426, "13")
    short_key = wrong_version | {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAA"}
    assert served.gateway.call("/ws-shake/1.0/r", token=token, headers=short_key).status == 400


def test_scopes_of_a_topic(served: Served, ws_backend: WsBackend) -> None:
    publish(
        served,
        "ws-scopes",
        ws_backend,
        schema.Operation("SUBSCRIBE", "/notifications"),
        schema.Operation("SUBSCRIBE", "/rooms/{id}", scopes=("listen",)),
        schema.Operation("PUBLISH", "/rooms/{id}", scopes=("talk",)),
    )
    listener = served.signer.token(scope="listen")
    assert b"900910" in refusal(served, "/ws-scopes/1.0/rooms/1", served.signer.token()).body
    assert refusal(served, "/ws-scopes/1.0/nothing", listener).status_code == 404
    with caller(served.gateway, "/ws-scopes/1.0/rooms/1", listener) as connection:
        connection.send("may I?")
        assert connection.recv(timeout=10) == "Error code: 4002 reason: User NOT authorized to access the resource"
    with caller(served.gateway, "/ws-scopes/1.0/rooms/1", served.signer.token(scope="listen talk")) as connection:
        connection.send("I may")
        assert connection.recv(timeout=10) == "I may"


def test_events_of_a_plan_both_ways(served: Served, ws_backend: WsBackend) -> None:
    served.publish(world.policy("subscription", "Seven", quota=schema.Limit(7, world.WINDOW, "events")))
    publish(served, "ws-plan", ws_backend, plan="Seven")
    token = served.signer.token()
    with caller(served.gateway, "/ws-plan/1.0/r", token) as connection:
        for number in range(3):
            connection.send(f"{number}")
            assert connection.recv(timeout=10) == f"{number}"
        connection.send("flood 5")  # the seventh event; none of the five answers has room
        assert connection.recv(timeout=10) == "Error code: 4003 reason: Websocket frame throttled out"
        connection.send("more")
        assert connection.recv(timeout=10) == "Error code: 4003 reason: Websocket frame throttled out"
        assert connection.ping().wait(10), "control frames are no events"
    answer = refusal(served, "/ws-plan/1.0/r", token)
    assert (answer.status_code, b'"900808"' in answer.body) == (429, True)


def test_a_limit_closes_where_a_message_cannot_be_left_out(served: Served) -> None:
    backend = WsBackend(compression="deflate")
    served.publish(world.policy("subscription", "Two", quota=schema.Limit(2, world.WINDOW, "events")))
    publish(served, "ws-zip", backend, plan="Two")
    with caller(served.gateway, "/ws-zip/1.0/r", served.signer.token(), compression="deflate") as connection:
        assert connection.protocol.extensions, "permessage-deflate is agreed on end to end"
        connection.send("hello " * 50)
        assert connection.recv(timeout=10) == "hello " * 50
        connection.send("hello " * 50)
        assert closing(connection) == (4003, "Websocket frame throttled out Connection closed!")
    backend.stop()


def test_production_and_sandbox(served: Served, ws_backend: WsBackend) -> None:
    sandbox = WsBackend()
    publish(served, "ws-keys", ws_backend, sandbox=schema.Endpoint(sandbox.url))
    with caller(served.gateway, "/ws-keys/1.0/r", served.signer.token("sandbox-1")) as connection:
        connection.send("x")
        assert connection.recv(timeout=10) == "x"
    assert len(sandbox.requests) == 1
    sandbox.stop()


def test_token_expiry_closes(served: Served, ws_backend: WsBackend) -> None:
    publish(served, "ws-expiry", ws_backend)
    token = served.signer.token(exp=int(time.time()) - 1)  # within the leeway of five seconds
    with caller(served.gateway, "/ws-expiry/1.0/r", token) as connection:
        connection.send("x")
        assert connection.recv(timeout=10) == "x"
        assert closing(connection) == (4001, "Invalid Credentials Connection closed!")


def test_loss_of_subscription_revocation_and_undeployment_close(served: Served, ws_backend: WsBackend) -> None:
    publish(served, "ws-life", ws_backend)
    path = "/ws-life/1.0/r"
    with caller(served.gateway, path, served.signer.token()) as connection:
        served.publish(("subscription", "sub-ws-life-1", None))
        assert closing(connection)[0] == 4002
    served.publish(world.subscription("ws-life"))
    with caller(served.gateway, path, served.signer.token(jti="revoked")) as connection:
        served.publish(("revocation", "revoked", schema.Revocation("revoked", int(time.time()) + 3600)))
        assert closing(connection)[0] == 4001
    with caller(served.gateway, path, served.signer.token()) as connection:
        record = world.api("ws-life", ws_backend.url, *BOTH, kind="WS", transports=("ws", "wss"), revision=2)
        served.publish(("api", "Default:id-ws-life", record))
        assert closing(connection) == (1012, "the API was deployed anew")
    with caller(served.gateway, path, served.signer.token()) as connection:
        served.publish(("api", "Default:id-ws-life", None))
        assert closing(connection) == (1001, "the API was undeployed")


def test_changed_limits_reach_open_connections(served: Served, ws_backend: WsBackend) -> None:
    served.publish(world.policy("subscription", "Grows", quota=schema.Limit(1, world.WINDOW, "events")))
    publish(served, "ws-grow", ws_backend, plan="Grows")
    with caller(served.gateway, "/ws-grow/1.0/r", served.signer.token()) as connection:
        connection.send("x")
        assert connection.recv(timeout=10).startswith("Error code: 4003")
        served.publish(world.policy("subscription", "Grows", quota=schema.Limit(1000, world.WINDOW, "events")))

        def passes() -> bool:
            connection.send("y")
            return bool(connection.recv(timeout=10) == "y")

        until(passes, seconds=10, what="the larger limit is in force")


def test_ends_of_the_backend_are_told(served: Served, ws_backend: WsBackend) -> None:
    publish(served, "ws-ends", ws_backend)
    with caller(served.gateway, "/ws-ends/1.0/r", served.signer.token()) as connection:
        connection.send("close 4321")
        assert closing(connection) == (4321, "as asked")
    with caller(served.gateway, "/ws-ends/1.0/r", served.signer.token()) as connection:
        connection.send("fall silent")
        assert closing(connection) == (1011, "the back end closed the connection")
    publish(served, "ws-nobody", ws_backend, production=schema.Endpoint("ws://127.0.0.1:9/"))
    assert b"101503" in refusal(served, "/ws-nobody/1.0/r", served.signer.token()).body


def test_a_backend_that_declines_is_passed_on(served: Served) -> None:
    publish(served, "ws-declines", served.backend, production=schema.Endpoint(served.backend.url))  # type: ignore[arg-type]
    answer = refusal(served, "/ws-declines/1.0/status/403", served.signer.token())
    assert (answer.status_code, b"/base/status/403" in answer.body) == (403, True)


VIOLATIONS = {
    "not masked": (b"\x81\x01x", 1002),
    "reserved opcode": (masked(0x83, b"x"), 1002),
    "reserved bit": (masked(0xC1, b"x"), 1002),
    "continues nothing": (masked(0x80, b"x"), 1002),
    "message cut short": (masked(0x01, b"x") + masked(0x81, b"y"), 1002),
    "long ping": (masked(0x89, b"x" * 126), 1002),
    "fragmented ping": (masked(0x09, b"x"), 1002),
    "length not short": (b"\x81\xfe\x00\x05\1\2\3\4" + b"hello", 1002),
    "negative length": (b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\2\3\4", 1009),
    "close code": (masked(0x88, (1005).to_bytes(2, "big")), 1002),
    "one byte of close code": (masked(0x88, b"\x03"), 1002),
    "frame too long": (b"\x82\xff" + (2_000_000).to_bytes(8, "big") + b"\1\2\3\4", 1009),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_violations_close_with_their_code(served: Served, ws_backend: WsBackend, name: str) -> None:
    frames, code = VIOLATIONS[name]
    publish(served, "ws-wrong", ws_backend)
    with RawCaller(served.gateway, "/ws-wrong/1.0/r", served.signer.token()) as connection:
        assert connection.head.startswith(b"HTTP/1.1 101 ")
        connection.send(masked(0x81, b"before") + frames)
        assert connection.closed_with() == code


def test_frames_in_small_pieces(served: Served, ws_backend: WsBackend) -> None:
    publish(served, "ws-bytes", ws_backend)
    with RawCaller(served.gateway, "/ws-bytes/1.0/r", served.signer.token()) as connection:
        for sent, expected in ((masked(0x81, b"a" * 300), (0x81, b"a" * 300)), (masked(0x89, b"p"), (0x8A, b"p"))):
            for byte in sent:
                connection.send(bytes((byte,)))
            assert connection.frame() == expected
        connection.send(masked(0x88, b"\x03\xe8"))
        assert connection.closed_with() == 1000


def test_many_frames_keep_their_order_past_a_slow_reader(served: Served, ws_backend: WsBackend) -> None:
    publish(served, "ws-flood", ws_backend)
    with caller(served.gateway, "/ws-flood/1.0/r", served.signer.token(), max_queue=1) as connection:
        connection.send("flood 20000")
        time.sleep(0.5)
        assert [connection.recv(timeout=20) for _ in range(20_000)] == [str(number) for number in range(20_000)]


def test_idle_connections_and_draining(
    served: Served, ws_backend: WsBackend, tmp_path: Any, lonely_redis_url: str
) -> None:
    publish(served, "ws-idle", ws_backend)
    with running_gateway(tmp_path, served.hub.url, lonely_redis_url, GATEWAY_WEBSOCKET_IDLE_SECONDS="3.5") as gateway:
        gateway.until_sequence(served.hub.sequence)
        with caller(gateway, "/ws-idle/1.0/r", served.signer.token()) as connection:
            assert closing(connection) == (1001, "no frame for 3.5 seconds")
        with caller(gateway, "/ws-idle/1.0/r", served.signer.token()) as connection:
            gateway.process.terminate()
            assert closing(connection) == (1001, "the gateway is going away")
