"""A subscriber in a thread: confirms what it is asked (or not), takes events, answers what the test wants."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class Callback:
    """`events` are (headers with lower-case names, body) as they came; `answers` the statuses still to be given, then 200."""

    def __init__(self, consents: bool = True) -> None:
        self.events: list[tuple[dict[str, str], bytes]] = []
        self.asked: list[dict[str, str]] = []
        self.answers: list[int] = []
        self.delay = 0.0
        self.waiting = 0
        callback = self
        released = self._released = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Says nothing."""

            def do_GET(self) -> None:
                """The question whether a wish is ours."""
                asked = dict(parse_qsl(urlsplit(self.path).query))
                callback.asked.append(asked)
                self._answer(200, asked["hub.challenge"].encode() if consents else b"no")

            def do_POST(self) -> None:
                """An event."""
                body = self.rfile.read(int(self.headers["content-length"]))
                callback.waiting += 1
                released.wait(callback.delay)
                if released.is_set():
                    return
                callback.waiting -= 1
                callback.events.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self._answer(callback.answers.pop(0) if callback.answers else 200, b"")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("location", f"{callback.url}/elsewhere")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/events?room=1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Callback:
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A hub that went away is no news."""
