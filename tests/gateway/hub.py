"""An event hub in a thread of the test: keeps records as the control plane does and can be down, silent or slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
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
        self.websub: Callable[[str, dict[str, str], bytes], tuple[int, bytes]] = lambda path, headers, body: (
            404,
            b"{}",
        )
        self.history = "first"
        """Part of every mark: another one is another database."""

        self.delay = 0.0
        """Seconds before each answer."""

        self.garbage: bytes | None = None
        """Sent instead of changes."""

        self.people: dict[tuple[str, str, str], list[str]] = {}
        """(organisation, user name, password) → roles, for Basic authentication."""

        self.people_asked: list[dict[str, str]] = []
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

    def batch(self, after: int, mark: str = "") -> schema.Batch:
        """What the control plane would answer."""
        if 0 < after <= self.sequence and after >= self.oldest and mark in ("", self._mark(after)):
            page = self.events[after : after + 50]
            end = after + len(page)
            return schema.Batch(end, page, more=end < self.sequence, mark=self._mark(end))
        newest = {(event.kind, event.key): event for event in self.events}
        kept = [one for one in newest.values() if not one.deleted]
        return schema.Batch(self.sequence, kept, snapshot=True, mark=self._mark(self.sequence))

    def _mark(self, sequence: int) -> str:
        return f"{self.history}.{sequence}"

    def who(self, question: dict[str, str]) -> bytes:
        """What the control plane would say of a user name and password."""
        self.people_asked.append(question)
        roles = self.people.get((question["organisation"], question["username"], question["password"]))
        answer: dict[str, object] = {"active": roles is not None}
        if roles is not None:
            answer |= {"username": question["username"], "roles": roles}
        return msgspec.json.encode(answer)

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
                mark = parse_qs(urlsplit(self.path).query).get("mark", [""])[0]
                time.sleep(hub.delay)
                self._answer(msgspec.json.encode(hub.batch(after, mark)) if hub.garbage is None else hub.garbage)

            def do_POST(self) -> None:
                """A status."""
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if "/internal/websub/" in self.path:
                    status, answer = hub.websub(self.path, dict(self.headers.items()), body)
                    self._answer(answer, status)
                    return
                if self.path.endswith("/keymanager/v1/people"):
                    self._answer(hub.who(msgspec.json.decode(body)))
                    return
                hub.statuses.append(msgspec.json.decode(body, type=schema.Status))
                self._answer(b"{}")

            def _answer(self, body: bytes, status: int = 200) -> None:
                allowed = self.headers["authorization"] == f"Bearer {SECRET}"
                self.send_response(status if allowed else 401)
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
