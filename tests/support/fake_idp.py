"""The management APIs of key managers that cannot run here, as their makers document them, in a thread.

Each is a table of (method, path) → answer; what was asked is kept, so that tests can hold requests against the documentation.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl


@dataclass
class Asked:
    """One request; `body` is JSON or a form, as a dict."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


Reply = tuple[int, dict[str, Any] | None]
Handler = Callable[[Asked], Reply]


class FakeIdp:
    """Answers by the first pattern that fits; 404 as JSON for others."""

    def __init__(self, routes: dict[tuple[str, str], Handler | Reply]) -> None:
        self.routes = routes
        self.asked: list[Asked] = []
        fake = self

        class Requests(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Says nothing."""

            def answer(self) -> None:
                """Any method."""
                raw = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
                form = "urlencoded" in self.headers.get("content-type", "")
                body = dict(parse_qsl(raw)) if form else (json.loads(raw) if raw else {})
                one = Asked(self.command, self.path, {n.lower(): v for n, v in self.headers.items()}, body)
                fake.asked.append(one)
                status, content = fake.reply(one)
                sent = json.dumps(content).encode() if content is not None else b""
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def reply(self, one: Asked) -> Reply:
        """By the table."""
        for (method, pattern), answer in self.routes.items():
            if method == one.method and re.fullmatch(pattern, one.path):
                return answer(one) if callable(answer) else answer
        return 404, {"error": "not_found", "error_description": f"no {one.method} {one.path}"}

    def calls(self) -> list[tuple[str, str]]:
        """Methods and paths, in order."""
        return [(one.method, one.path) for one in self.asked]

    def stop(self) -> None:
        """Closes it."""
        self._server.shutdown()
        self._server.server_close()
