"""A backend whose answers a test writes: one for each first segment of the path, echo where it wrote none."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Script:
    """One answer. `body` None echoes the request as JSON; `cut` breaks off, `seconds` waits before."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    body: bytes | None = None
    cut: bool = False
    seconds: float = 0.0
    chunks: list[bytes] = field(default_factory=list)


@dataclass
class Seen:
    """What the backend was asked. `target` lacks the first segment."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Scripted:
    """`scripts` and `seen` by first path segment."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.seen: dict[str, list[Seen]] = {}
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                """Says nothing."""

            def answer(self) -> None:
                """Any method."""
                _, name, rest = self.path.split("/", 2) if self.path.count("/") > 1 else ("", self.path[1:], "")
                seen = Seen(self.command, f"/{rest}", {k.lower(): v for k, v in self.headers.items()}, self._body())
                scripted.seen.setdefault(name, []).append(seen)
                script = scripted.scripts.get(name, Script())
                time.sleep(script.seconds)
                if script.cut:
                    self.close_connection = True
                    return
                body = script.body
                if body is None:
                    body = json.dumps({"method": seen.method, "target": seen.target, "headers": seen.headers}).encode()
                self.send_response(script.status)
                for key, value in script.headers.items():
                    self.send_header(key, value)
                if script.chunks:
                    self._stream(script)
                    return
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = answer

            def _stream(self, script: Script) -> None:
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for chunk in script.chunks:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                    self.wfile.flush()
                    time.sleep(script.seconds)
                self.wfile.write(b"0\r\n\r\n")

            def _body(self) -> bytes:
                if self.headers.get("transfer-encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("content-length", 0)))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, name: str) -> str:
        """The address of an endpoint that answers as `scripts[name]` says."""
        return f"http://127.0.0.1:{self.port}/{name}"

    def last(self, name: str) -> Seen:
        """The newest call under a name."""
        return self.seen[name][-1]

    def calls(self, name: str) -> int:
        """How many calls came under a name."""
        return len(self.seen.get(name, []))

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()
        self._server.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: Any) -> None:
        """A caller that went away is no news."""
