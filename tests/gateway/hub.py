"""An event hub in a thread of the test: keeps records as the control plane does and can be down, silent or slow."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import msgspec
import redis

from gateway import schema
from tests.support.ports import free_port

SECRET = "cluster-secret-of-the-tests"


class FakeHub:
    """`publish` appends a change; `start` and `stop` open and close the port, which stays the same."""

    def __init__(self, redis_url: str = "") -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.events: list[schema.Event] = []
        self.statuses: list[schema.Status] = []
        self.asked: list[int] = []
        self.oldest = 0
        self._redis_url = redis_url
        self._server: ThreadingHTTPServer | None = None

    @property
    def sequence(self) -> int:
        """Number of the newest change."""
        return len(self.events)

    def publish(self, kind: str, key: str, record: schema.Record | bytes | None, hint: bool = True) -> int:
        """Appends a change (raw bytes make a record no schema allows) and hints, unless the hint shall be lost."""
        raw = record if isinstance(record, bytes) else msgspec.json.encode(record)
        self.events.append(schema.Event(self.sequence + 1, kind, key, record=msgspec.Raw(raw)))
        if hint and self._redis_url:
            with redis.Redis.from_url(self._redis_url) as client:
                client.publish("apim:hints", str(self.sequence))
        return self.sequence

    def batch(self, after: int) -> schema.Batch:
        """What the control plane would answer."""
        if 0 < after <= self.sequence and after >= self.oldest:
            page = self.events[after : after + 50]
            end = after + len(page)
            return schema.Batch(end, page, more=end < self.sequence)
        newest = {(event.kind, event.key): event for event in self.events}
        return schema.Batch(self.sequence, [one for one in newest.values() if not one.deleted], snapshot=True)

    def start(self) -> FakeHub:
        """Opens the port."""
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Says nothing."""

            def do_GET(self) -> None:
                """Changes after a number."""
                after = int(parse_qs(urlsplit(self.path).query)["after"][0])
                hub.asked.append(after)
                self._answer(msgspec.json.encode(hub.batch(after)))

            def do_POST(self) -> None:
                """A status."""
                body = self.rfile.read(int(self.headers["content-length"]))
                hub.statuses.append(msgspec.json.decode(body, type=schema.Status))
                self._answer(b"{}")

            def _answer(self, body: bytes) -> None:
                allowed = self.headers["authorization"] == f"Bearer {SECRET}"
                self.send_response(200 if allowed else 401)
                self.send_header("content-length", str(len(body)))
                self.send_header("connection", "close")
                self.end_headers()
                self.wfile.write(body)

        self._server = _Quiet(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Closes the port."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that went away is no news."""
