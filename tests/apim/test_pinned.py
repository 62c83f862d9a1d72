"""The bounded call to one checked address, against a real server: pinned, without redirects, and never longer than allowed."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from apim import addresses, pinned
from tests.support.certificate import make_certificate
from tests.support.ports import free_port

BOUNDS = pinned.Bounds(seconds=10, whole_seconds=10, most=1000)


class Handler(BaseHTTPRequestHandler):
    """Tells its host, redirects, sends much, or sends a little now and then until it is told to stop."""

    def do_GET(self) -> None:
        """By path."""
        kind = self.path.partition("?")[0]
        body = {"/host": f"{self.headers['host']} {self.headers['accept-encoding']}".encode(), "/much": b"x" * 1001}
        self.send_response(302 if kind == "/away" else 200)
        self.send_header("location", "/host")
        if kind == "/drips":
            self.end_headers()
            self._drip()
            return
        data = body.get(kind, b"x" * 1000)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _drip(self) -> None:
        stopped: threading.Event = self.server.stopped  # type: ignore[attr-defined]
        try:
            while not stopped.wait(0.02):
                self.wfile.write(b"x")
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.stopped = threading.Event()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_address[1]
    server.stopped.set()
    server.shutdown()
    server.server_close()


def ask(url: str, bounds: pinned.Bounds = BOUNDS) -> pinned.Answer:
    """Ask it at 127.0.0.1, whatever the name."""
    parts = addresses.parsed(url)
    with pinned.pool(parts, "127.0.0.1", bounds) as pool:
        return pinned.ask(pool, "GET", pinned.target(parts), {"host": parts.netloc}, None, bounds)


def test_the_connection_goes_to_the_address_in_the_name_of_the_host(port: int) -> None:
    answer = ask(f"http://no-such-host.invalid:{port}/host")
    assert answer == pinned.Answer(200, f"no-such-host.invalid:{port} identity".encode(), True)


def test_redirects_are_told_not_followed(port: int) -> None:
    assert ask(f"http://a.example:{port}/away").status == 302


def test_what_is_longer_than_asked_for_is_cut_and_told(port: int) -> None:
    assert ask(f"http://a.example:{port}/much") == pinned.Answer(200, b"x" * 1000, False)
    assert ask(f"http://a.example:{port}/exactly") == pinned.Answer(200, b"x" * 1000, True)


def test_a_server_that_drips_is_given_up(port: int) -> None:
    with pytest.raises(pinned.Dripping, match="not complete after 0.2 s") as told:
        ask(f"http://a.example:{port}/drips", pinned.Bounds(seconds=10, whole_seconds=0.2, most=1_000_000))
    assert pinned.reason(told.value) == "it takes too long"


def test_a_refused_connection_is_told_without_the_target() -> None:
    with pytest.raises(pinned.FAILURES) as told:
        ask(f"http://a.example:{free_port()}/x?token=hidden")
    assert pinned.reason(told.value) == "the connection is refused"


def over_tls(port: int, host: str, **tls: Any) -> pinned.Answer:
    """Ask it over TLS."""
    parts = addresses.parsed(f"https://{host}:{port}/host")
    with pinned.pool(parts, "127.0.0.1", BOUNDS, **tls) as pool:
        return pinned.ask(pool, "GET", "/host", {"host": host}, None, BOUNDS)


def test_a_server_without_tls_is_told(port: int) -> None:
    with pytest.raises(pinned.FAILURES) as told:
        over_tls(port, "localhost")
    assert pinned.reason(told.value) == "it does not speak TLS there"


def test_the_certificate_must_be_trusted_and_be_for_the_name_not_the_address(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    port = server.server_address[1]
    try:
        assert over_tls(port, "localhost", ca_certs=str(certificate)).body == b"localhost identity"
        for host, trust in (("localhost", {}), ("other.example", {"ca_certs": str(certificate)})):
            with pytest.raises(pinned.FAILURES) as told:
                over_tls(port, host, **trust)
            assert pinned.reason(told.value) == "its certificate is not trusted", host
    finally:
        server.shutdown()
        server.server_close()
