"""A key manager elsewhere, in a thread: publishes keys that change, and answers questions about opaque tokens."""

from __future__ import annotations

import json
import threading
import time
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

USER, PASSWORD = "gate way", "se:cret%"
"""With characters that must be encoded before they are joined (RFC 6749 2.3.1)."""


class Issuer:
    """`tokens`: opaque token → claims. `keys`: the JWKS document. `asked` counts requests by path; `slow` delays answers."""

    def __init__(self) -> None:
        self.tokens: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, Any] = {"keys": []}
        self.asked: dict[str, int] = {}
        self.slow = 0.0
        self.broken = False
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Says nothing."""

            def do_GET(self) -> None:
                """The keys."""
                self._answer(200, issuer.keys)

            def do_POST(self) -> None:
                """A question about a token."""
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                shown = self.headers["authorization"]
                if shown != "Basic " + b64encode(b"gate%20way:se%3Acret%25").decode():
                    self._answer(401, {"error": "invalid_client"})
                    return
                self._answer(200, issuer.tokens.get(form["token"][0], {"active": False}))

            def _answer(self, status: int, body: dict[str, Any]) -> None:
                issuer.asked[self.path] = issuer.asked.get(self.path, 0) + 1
                time.sleep(issuer.slow)
                content = b"<html>" if issuer.broken else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def add(self, token: str, **claims: Any) -> str:
        """Makes an opaque token active; a claim given as None is left out."""
        full = {"active": True, "client_id": "client-1", "scope": "default", "sub": "client-1"} | claims
        self.tokens[token] = {name: value for name, value in full.items() if value is not None}
        return token

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()
        self._server.server_close()
