"""What only whole processes show: large bodies at flat memory, TLS in all its forms, HTTP/2, stops and reloads without loss."""

from __future__ import annotations

import http.client
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from pydantic import ValidationError

from gateway import schema
from gateway.settings import Settings
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.conftest import Served
from tests.gateway.deciding import Reply, Scripted
from tests.gateway.hub import FakeHub
from tests.gateway.process import Gateway, running_gateway
from tests.gateway.pump import MEGABYTE, Pump
from tests.support.wait import until
from tests.wire.test_tls import certificate, trusting

MEGABYTES = 200
GROWTH = 20 * 1_000_000
"""Bytes by which a worker may grow while it passes a large body on."""


@pytest.fixture(scope="module")
def pump() -> Iterator[Pump]:
    one = Pump()
    yield one
    one.stop()


def open_api(name: str, url: str) -> tuple[str, str, schema.Api]:
    """An API that anybody may call."""
    operations = [schema.Operation(verb, "/*", auth="none") for verb in ("GET", "POST")]
    slow = schema.Endpoint(url, connect_timeout_ms=5000, timeout_ms=60_000)
    return "api", f"Default:id-{name}", world.api(name, url, *operations, production=slow)


@pytest.fixture(scope="module")
def ready(served: Served, pump: Pump) -> Served:
    served.publish(open_api("pump", pump.url), open_api("echo", served.backend.url))
    return served


def worker(gateway: Gateway) -> psutil.Process:
    """Its only worker."""
    return psutil.Process(gateway.process.pid).children()[0]


class Watch:
    """The most memory that a process had while watched, above what it had at the beginning."""

    def __init__(self, process: psutil.Process) -> None:
        self.process = process
        self.before = self.most = process.memory_info().rss
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            self.most = max(self.most, self.process.memory_info().rss)

    @property
    def growth(self) -> int:
        return self.most - self.before


def download(port: int, megabytes: int, pause: float = 0.0) -> int:
    """Bytes that came. With `pause` seconds before each of the first pieces, as a slow caller."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        sock.sendall(b"GET /pump/1.0/%d HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" % megabytes)
        got, pieces = -1, 0
        while piece := sock.recv(1 << 20):
            if got < 0:
                got = len(piece) - piece.index(b"\r\n\r\n") - 4
            else:
                got += len(piece)
            pieces += 1
            if pieces < 20:
                time.sleep(pause)
        return got


def upload(port: int, megabytes: int) -> bytes:
    """What the backend counted."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = (MEGABYTE for _ in range(megabytes))
    connection.request("POST", "/pump/1.0/x", body, {"content-length": str(megabytes << 20)})
    answer = connection.getresponse().read()
    connection.close()
    return answer


def test_large_bodies_pass_at_flat_memory(ready: Served) -> None:
    port = ready.gateway.http
    assert download(port, 5) == 5 << 20
    with Watch(worker(ready.gateway)) as watch:
        assert download(port, MEGABYTES) == MEGABYTES << 20
        assert download(port, MEGABYTES, pause=0.05) == MEGABYTES << 20
        assert upload(port, MEGABYTES) == b"%d" % (MEGABYTES << 20)
    assert watch.growth < GROWTH


def test_large_bodies_pass_over_http2_at_flat_memory(ready: Served) -> None:
    with httpx.Client(http2=True, verify=trusting(), timeout=60) as client:
        base = f"https://127.0.0.1:{ready.gateway.https}/pump/1.0"
        client.get(f"{base}/1")
        with Watch(worker(ready.gateway)) as watch:
            got = 0
            with client.stream("GET", f"{base}/50") as answer:
                assert answer.http_version == "HTTP/2"
                for piece in answer.iter_raw():
                    got += len(piece)
            assert got == 50 << 20
            length = {"content-length": str(50 << 20)}
            assert client.post(f"{base}/x", content=(MEGABYTE for _ in range(50)), headers=length).text == str(50 << 20)
    assert watch.growth < GROWTH


def test_http2_callers_get_what_others_get(ready: Served) -> None:
    with httpx.Client(http2=True, verify=trusting()) as client:
        base = f"https://127.0.0.1:{ready.gateway.https}"
        answer = client.post(f"{base}/echo/1.0/a?b=c", content=b"hello", headers={"x-forwarded-for": "1.2.3.4"})
        assert (answer.http_version, answer.status_code) == ("HTTP/2", 200)
        seen = answer.json()
        assert (seen["method"], seen["target"], seen["body"]) == ("POST", "/base/a?b=c", "hello")
        assert seen["headers"]["x-forwarded-for"] == "127.0.0.1"
        assert seen["headers"]["x-forwarded-proto"] == "https"
        assert client.get(f"{base}/missing").status_code == 404
        assert client.get(f"{base}/healthz").json() == {"status": "alive"}


# -- gateways of their own, with other settings


@pytest.fixture
def world_hub(hub: FakeHub, backend: Backend) -> FakeHub:
    hub.publish(*open_api("echo", backend.url))
    return hub


def name_shown(port: int, name: str) -> str:
    """The common name of the certificate that a caller for `name` sees."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as sock,
        trusting().wrap_socket(sock, server_hostname=name) as tls,
    ):
        return certificate_name(tls.getpeercert(True) or b"")


def certificate_name(der: bytes) -> str:
    from cryptography import x509  # noqa: PLC0415 - only this helper needs it

    return str(x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def test_certificates_by_host_name_follow_their_files(world_hub: FakeHub, redis_url: str, var: Path) -> None:
    folder = var / "secrets" / "tls.d"
    folder.mkdir(parents=True)
    certificate(folder, "one", "one.example")
    with running_gateway(var, world_hub.url, redis_url) as gateway:
        assert name_shown(gateway.https, "one.example") == "one"
        assert name_shown(gateway.https, "else.example") == "localhost"
        kept = http.client.HTTPSConnection("127.0.0.1", gateway.https, context=trusting(), timeout=5)
        kept.request("GET", "/healthz")
        kept.getresponse().read()
        before = kept.sock
        certificate(folder, "two", "two.example", "*.two.example")
        until(lambda: name_shown(gateway.https, "api.two.example") == "two", seconds=10)
        kept.request("GET", "/healthz")
        assert kept.getresponse().read()
        assert kept.sock is before
        kept.close()


def test_listeners_ask_callers_for_certificates_in_their_own_way(
    world_hub: FakeHub, redis_url: str, var: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    caller = certificate(tmp_path_factory.mktemp("caller"), "caller")
    modes = {"GATEWAY_CLIENT_CERTIFICATES": "required-any", "GATEWAY_HTTP2": "false"}
    with running_gateway(var, world_hub.url, redis_url, **modes) as gateway:

        def status(context: ssl.SSLContext) -> int:
            connection = http.client.HTTPSConnection("127.0.0.1", gateway.https, context=context, timeout=5)
            try:
                connection.request("GET", "/healthz")
                return connection.getresponse().status
            finally:
                connection.close()

        assert status(trusting(caller)) == 200
        with pytest.raises(OSError):
            status(trusting())
        context = trusting()
        context.load_cert_chain(caller.certificate, caller.key)
        context.set_alpn_protocols(["h2", "http/1.1"])
        with (
            socket.create_connection(("127.0.0.1", gateway.https), timeout=5) as sock,
            context.wrap_socket(sock, server_hostname="x") as tls,
        ):
            assert tls.selected_alpn_protocol() == "http/1.1"


def test_modes_may_differ_by_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_TLS_PORTS", "8244,8245")
    monkeypatch.setenv("GATEWAY_CLIENT_CERTIFICATES", "any,8244=required,8245=none")
    settings = Settings()
    assert {8244, 8245, settings.tls_port} <= settings.tls_ports
    assert [settings.client_mode(port) for port in (settings.tls_port, 8244, 8245)] == ["any", "required", "none"]
    for wrong in ("sometimes", "known,x=any", "known 8244=any", ""):
        monkeypatch.setenv("GATEWAY_CLIENT_CERTIFICATES", wrong)
        with pytest.raises(ValidationError, match="client_certificates"):
            Settings()


def test_trusted_proxies_and_the_cap_on_connections_are_settings(world_hub: FakeHub, redis_url: str, var: Path) -> None:
    settings = {"GATEWAY_TRUSTED_PROXIES": "127.0.0.1", "GATEWAY_MAX_CONNECTIONS": "3"}
    with running_gateway(var, world_hub.url, redis_url, **settings) as gateway:
        gateway.until_sequence(world_hub.sequence)
        told = {"X-Forwarded-For": "6.6.6.6, 192.0.2.9", "X-Forwarded-Proto": "https"}
        seen = gateway.call("/echo/1.0/a", headers=told).json["headers"]
        assert seen["x-forwarded-for"] == "6.6.6.6, 192.0.2.9, 127.0.0.1"
        assert seen["x-forwarded-proto"] == "https"
        held = [socket.create_connection(("127.0.0.1", gateway.http)) for _ in range(3)]
        until(lambda: b" 503 " in gateway.raw(b""), seconds=5)
        for sock in held:
            sock.close()
        until(lambda: gateway.call("/healthz").status == 200, seconds=5)


class Load:
    """Callers on kept-alive connections, each asking again and again. `failures` are calls without a good answer."""

    def __init__(self, port: int, callers: int = 6) -> None:
        self.port = port
        self.answers = 0
        self.failures: list[str] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(callers)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends all callers after their present call."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _call(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while not self._over.is_set():
            try:
                connection.request("GET", "/echo/1.0/a")
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.failures.append(str(answer.status))
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            self.answers += 1
        connection.close()


def test_a_reload_under_load_drops_no_call(world_hub: FakeHub, redis_url: str, var: Path) -> None:
    with running_gateway(var, world_hub.url, redis_url, workers=2) as gateway:
        gateway.until_sequence(world_hub.sequence)
        with Load(gateway.http) as load:
            for _ in range(2):
                old = {child.pid for child in psutil.Process(gateway.process.pid).children()}
                gateway.process.send_signal(signal.SIGHUP)
                until(
                    lambda old=old: not old & {child.pid for child in psutil.Process(gateway.process.pid).children()},
                    seconds=30,
                )
                count = load.answers
                until(lambda count=count: load.answers > count + 50, seconds=20)
        assert not load.failures
        assert load.answers > 100


def test_a_stop_lets_calls_finish_and_tells_callers_to_go(world_hub: FakeHub, redis_url: str, var: Path) -> None:
    """Every call whose request was sent before the port closed is answered; one that finds the port closed was never taken."""
    gate = threading.Event()
    slow = Scripted(lambda asked: Reply() if gate.wait(60) else Reply())
    world_hub.publish(*open_api("slow", slow.url))
    with running_gateway(var, world_hub.url, redis_url, graceful=30) as gateway:
        gateway.until_sequence(world_hub.sequence)
        answers: list[int] = []
        waiting = [
            threading.Thread(target=lambda: answers.append(gateway.call("/slow/1.0/x").status)) for _ in range(10)
        ]
        kept = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=20)
        kept.request("GET", "/echo/1.0/a")
        kept.getresponse().read()
        for thread in waiting:
            thread.start()
        until(lambda: len(slow.asked) == 10, what="ten calls under way")
        gateway.process.terminate()
        until(lambda: closed(gateway.http), every=0.01, what="the port is closed")
        kept.request("GET", "/echo/1.0/a")
        last = kept.getresponse()
        assert (last.status, last.getheader("connection")) == (200, "close")
        gate.set()
        for thread in waiting:
            thread.join()
        assert answers == [200] * 10
        assert gateway.process.wait(30) == 0
    slow.stop()


def closed(port: int) -> bool:
    """Whether nobody listens."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_idle_connections_cost_little(world_hub: FakeHub, redis_url: str, var: Path) -> None:
    """The promise is 100 MB for 10 000; here 1 000 show what one costs."""
    with running_gateway(var, world_hub.url, redis_url) as gateway:
        gateway.until_sequence(world_hub.sequence)
        gateway.call("/echo/1.0/a")
        process = worker(gateway)
        before = process.memory_info().rss
        held = []
        for _ in range(1000):
            sock = socket.create_connection(("127.0.0.1", gateway.http), timeout=5)
            sock.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
            held.append(sock)
        grown = process.memory_info().rss - before
        for sock in held:
            sock.close()
        assert grown < 1000 * 10_000
