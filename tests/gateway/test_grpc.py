"""gRPC through the gateway, with grpcio on both ends: unary, streams both ways, trailers, refusals as gRPC knows them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import grpc
import hpack
import pytest

from gateway import schema
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.support.wait import until

SERVICE = "films.Films"


class Films(grpc.GenericRpcHandler):
    """Get echoes, List streams ten, Count takes a stream, Chat answers each, Fail fails, Large answers 3 MB, Wait never ends."""

    def __init__(self) -> None:
        self.metadata: dict[str, str] = {}
        self.cancelled = threading.Event()

    def service(self, details: Any) -> Any:
        """The method by its path."""
        self.metadata = {name: value for name, value in details.invocation_metadata if isinstance(value, str)}
        service, _, method = details.method[1:].partition("/")
        if service != SERVICE:
            return None
        return {
            "Get": grpc.unary_unary_rpc_method_handler(self.get),
            "List": grpc.unary_stream_rpc_method_handler(lambda request, context: (b"%d" % n for n in range(10))),
            "Count": grpc.stream_unary_rpc_method_handler(
                lambda requests, context: b"%d" % sum(len(one) for one in requests)
            ),
            "Chat": grpc.stream_stream_rpc_method_handler(
                lambda requests, context: (b"re: " + one for one in requests)
            ),
            "Fail": grpc.unary_unary_rpc_method_handler(
                lambda request, context: context.abort(grpc.StatusCode.NOT_FOUND, "kein Film ü")
            ),
            "Large": grpc.unary_unary_rpc_method_handler(lambda request, context: request * 3),
            "Wait": grpc.unary_stream_rpc_method_handler(self.wait),
        }.get(method)

    def get(self, request: bytes, context: Any) -> bytes:
        """Echoes, with metadata on both ends."""
        context.send_initial_metadata((("first", "1"),))
        context.set_trailing_metadata((("last", "2"), ("raw-bin", b"\x00\xff")))
        return b"got " + request

    def wait(self, request: bytes, context: Any) -> Iterator[bytes]:
        """One message, then nothing until the caller leaves."""
        context.add_callback(self.cancelled.set)
        yield b"first"
        self.cancelled.wait(20)


@pytest.fixture(scope="module")
def films() -> Iterator[tuple[Films, str]]:
    """A gRPC server without TLS, and its address."""
    handler = Films()
    server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield handler, f"http://127.0.0.1:{port}/{SERVICE}"
    server.stop(0)


METHODS = ("Get", "List", "Count", "Chat", "Fail", "Large", "Wait")


@pytest.fixture(scope="module")
def channel(served: Served, films: tuple[Films, str]) -> Iterator[grpc.Channel]:
    """To the gateway, where the API `films` stands at the service's own path."""
    operations = (
        *(schema.Operation("POST", f"/{method}") for method in METHODS),
        schema.Operation("POST", "/Secret", scopes=("spy",)),
    )
    add(served, "films", films[1], f"/{SERVICE}", *operations)
    yield from opened(served)


def add(served: Served, name: str, url: str, context: str, *operations: schema.Operation, **more: Any) -> None:
    """Publishes an API with a gRPC backend."""
    endpoint = schema.Endpoint(url, kind="grpc", connect_timeout_ms=1000, timeout_ms=2000)
    plan = more.pop("plan", "Unlimited")
    one = world.api(name, url, *operations, context=context, production=endpoint, **more)
    served.publish(("api", f"Default:{one.id}", one), world.subscription(name, plan=plan))


def opened(served: Served) -> Iterator[grpc.Channel]:
    """A channel to the gateway's https port."""
    certificate = (served.gateway.var / "secrets" / "tls.crt").read_bytes()
    options = [("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0)]
    with grpc.secure_channel(
        f"localhost:{served.gateway.https}", grpc.ssl_channel_credentials(certificate), options
    ) as made:
        yield made


def token(served: Served, **claims: Any) -> tuple[tuple[str, str], ...]:
    """Metadata with an access token."""
    return (("authorization", f"Bearer {served.signer.token(**claims)}"),)


def test_a_unary_call_passes_with_metadata_and_trailers(
    served: Served, channel: grpc.Channel, films: tuple[Films, str]
) -> None:
    metadata = (*token(served), ("x-mine", "yes"))
    answer, call = channel.unary_unary(f"/{SERVICE}/Get").with_call(b"it", metadata=metadata, timeout=10)
    assert answer == b"got it"
    assert dict(call.initial_metadata())["first"] == "1"
    trailing = dict(call.trailing_metadata())
    assert (trailing["last"], trailing["raw-bin"]) == ("2", b"\x00\xff")
    seen = films[0].metadata
    assert seen["x-mine"] == "yes"
    assert "authorization" not in seen
    assert seen["activityid"] == dict(call.initial_metadata())["activityid"]


def test_streams_pass_in_all_directions(served: Served, channel: grpc.Channel) -> None:
    given = {"metadata": token(served), "timeout": 20}
    assert list(channel.unary_stream(f"/{SERVICE}/List")(b"", **given)) == [b"%d" % n for n in range(10)]
    parts = [b"x" * 100_000] * 30
    assert channel.stream_unary(f"/{SERVICE}/Count")(iter(parts), **given) == b"3000000"
    chat = channel.stream_stream(f"/{SERVICE}/Chat")(iter([b"a", b"b", b"c"]), **given)
    assert list(chat) == [b"re: a", b"re: b", b"re: c"]


def test_large_messages_pass_the_windows(served: Served, channel: grpc.Channel) -> None:
    body = b"y" * 2_000_000
    assert channel.unary_unary(f"/{SERVICE}/Large")(body, metadata=token(served), timeout=30) == body * 3


def test_many_calls_share_connections(served: Served, channel: grpc.Channel) -> None:
    call = channel.unary_unary(f"/{SERVICE}/Get")
    metadata = token(served)
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda n: call(b"%d" % n, metadata=metadata, timeout=30), range(200)))
    assert found == [b"got %d" % n for n in range(200)]


def failure(channel: grpc.Channel, method: str, metadata: Any, service: str = SERVICE) -> grpc.RpcError:
    """The error of a unary call."""
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(f"/{service}/{method}")(b"", metadata=metadata, timeout=10)
    return caught.value


def test_an_error_of_the_service_passes_as_it_is(served: Served, channel: grpc.Channel) -> None:
    error = failure(channel, "Fail", token(served))
    assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, "kein Film ü")


@pytest.mark.parametrize(
    ("method", "claims", "status", "code"),
    [
        ("Get", None, grpc.StatusCode.UNAUTHENTICATED, "900902"),
        ("Secret", {}, grpc.StatusCode.PERMISSION_DENIED, "900910"),
        ("Nothing", {}, grpc.StatusCode.UNIMPLEMENTED, "404"),
    ],
)
def test_refusals_have_grpc_statuses(
    served: Served, channel: grpc.Channel, method: str, claims: Any, status: grpc.StatusCode, code: str
) -> None:
    error = failure(channel, method, () if claims is None else token(served, **claims))
    assert error.code() is status
    assert error.details().startswith(f"{code}: ")


def test_a_limit_is_resource_exhausted(served: Served, films: tuple[Films, str], channel: grpc.Channel) -> None:
    served.publish(world.policy("subscription", "OneGrpc", 1))
    add(served, "few", films[1], "/few.Films", schema.Operation("POST", "/*"), plan="OneGrpc")
    metadata = token(served)
    assert channel.unary_unary("/few.Films/Get")(b"", metadata=metadata, timeout=10) == b"got "
    assert failure(channel, "Get", metadata, "few.Films").code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_backend_that_is_away_is_unavailable(served: Served, channel: grpc.Channel) -> None:
    add(served, "away", "http://127.0.0.1:1", "/away.Films", schema.Operation("POST", "/*"))
    error = failure(channel, "Get", token(served), "away.Films")
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert error.details().startswith("101503")


def test_a_caller_that_leaves_is_told_to_the_backend(
    served: Served, channel: grpc.Channel, films: tuple[Films, str]
) -> None:
    films[0].cancelled.clear()
    waiting = channel.unary_stream(f"/{SERVICE}/Wait")(b"", metadata=token(served), timeout=30)
    assert next(waiting) == b"first"
    waiting.cancel()
    assert films[0].cancelled.wait(10)


def test_http1_callers_are_told_what_is_spoken(served: Served, channel: grpc.Channel) -> None:
    headers = {"content-type": "application/grpc"}
    answer = served.gateway.call(f"/{SERVICE}/Get", "POST", served.signer.token(), b"", headers)
    assert (answer.status, answer.json["description"]) == (505, "gRPC is spoken over HTTP/2")


def test_calls_are_logged_with_their_method(served: Served, channel: grpc.Channel) -> None:
    channel.unary_unary(f"/{SERVICE}/Get")(b"", metadata=token(served), timeout=10)
    until(lambda: '"/films.Films/Get"' in served.gateway.log, what="the call in the log")


class Leaving:
    """A server by hand. It takes leave while it answers, as servers that stop do; with `junk` it speaks no HTTP/2 at all."""

    def __init__(self, junk: bytes = b"") -> None:
        self.connections = 0
        self._junk = junk
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        """Closes the port."""
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if self._junk:
                connection.sendall(self._junk)
            else:
                self._answer(connection)
            while connection.recv(65536):
                continue

    def _answer(self, connection: socket.socket) -> None:
        connection.sendall(written(4, 0, 0))
        stream = connection.makefile("rb")
        stream.read(24)
        number = flags = kind = 0
        while not (kind in (0, 1) and flags & 1):
            head = stream.read(9)
            kind, flags, number = head[3], head[4], int.from_bytes(head[5:], "big")
            stream.read(int.from_bytes(head[:3], "big"))
        encoder = hpack.Encoder()
        first = encoder.encode([(":status", "200"), ("content-type", "application/grpc")])
        last = encoder.encode([("grpc-status", "0")])
        leave, forever = written(7, 0, 0, bytes(3) + bytes((number,)) + bytes(4)), b"\x7f\xff\xff\xff" + bytes(4)
        connection.sendall(written(7, 0, 0, forever) + written(1, 4, number, first) + leave)
        connection.sendall(written(0, 0, number, bytes(4) + b"\2ok") + written(1, 5, number, last))


def written(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """An HTTP/2 frame."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def behind(served: Served, name: str, backend: Leaving, channel: grpc.Channel) -> Any:
    """A method of the API `name` in front of `backend`."""
    add(served, name, backend.url, f"/{name}", schema.Operation("POST", "/Get"))
    return channel.unary_unary(f"/{name}/Get")


def test_a_backend_that_takes_leave_finishes_what_it_took_on(served: Served, channel: grpc.Channel) -> None:
    backend = Leaving()
    method = behind(served, "leaving", backend, channel)
    for calls in (1, 2, 3):
        assert method(b"", metadata=token(served), timeout=10) == b"ok"
        assert backend.connections == calls
    backend.stop()


def test_a_backend_that_breaks_the_protocol_at_once_is_unavailable(served: Served, channel: grpc.Channel) -> None:
    backend = Leaving(junk=written(0, 0, 0))
    method = behind(served, "junk", backend, channel)
    for _ in range(5):
        with pytest.raises(grpc.RpcError) as raised:
            method(b"", metadata=token(served), timeout=10)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    backend.stop()
