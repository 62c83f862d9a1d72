"""A backend in a thread: answers with what it was asked, as JSON, and remembers it."""

from __future__ import annotations

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Backend:
    """Echoes calls. `/status/N` answers N, `/slow` after half a second, `/cut` breaks off, `/junk` is not HTTP."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                """Says nothing."""

            def answer(self) -> None:
                """Any method."""
                body = self._body()
                call = {"method": self.command, "target": self.path, "body": body.decode("latin-1")}
                call["headers"] = {name.lower(): value for name, value in self.headers.items()}
                backend.calls.append(call)
                if "/junk" in self.path:
                    self.wfile.write(b"this is not HTTP\r\n\r\n")
                    self.close_connection = True
                    return
                if "/slow" in self.path:
                    time.sleep(0.5)
                if "/cut" in self.path:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                content = json.dumps(call).encode()
                status = int(self.path.rsplit("/", 1)[1]) if "/status/" in self.path else 200
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.send_header("access-control-allow-origin", "backend")
                self.send_header("activityid", "backend")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = answer

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
        self.url = f"http://127.0.0.1:{self.port}/base"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()
        self._server.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that went away is no news."""
