"""A source of server-sent events under the test's control: what is given to `emit` goes out at once, on every open stream."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.wait import until


class SseBackend:
    """`open` counts the streams under way, `ended` those whose reader left; `requests` are the headers seen."""

    def __init__(self) -> None:
        self.requests: list[dict[str, str]] = []
        self.ended = 0
        self._streams: list[Any] = []
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Says nothing."""

            def do_GET(self) -> None:
                """A stream, or a short answer for /plain."""
                backend.requests.append(
                    {name.lower(): value for name, value in self.headers.items()} | {"path": self.path}
                )
                if self.path.endswith("/plain"):
                    self.send_response(404)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", "2")
                    self.end_headers()
                    self.wfile.write(b"{}")
                    return
                self.send_response(200)
                self.send_header("content-type", "text/event-stream; charset=utf-8")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                self.wfile.flush()
                backend._streams.append(self)
                # The reader sends nothing more, so a byte or an end means that it left.
                self.connection.recv(1)
                backend._streams.remove(self)
                backend.ended += 1
                self.close_connection = True

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/base"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def open(self) -> int:
        """Streams under way."""
        return len(self._streams)

    def emit(self, content: bytes) -> None:
        """Sends a piece on every stream, as one chunk."""
        until(lambda: self._streams, what="a stream is open")
        for stream in list(self._streams):
            # Nothing is kept back here, so there is nothing to flush: the reader may have left by then.
            stream.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()
        self._server.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A reader that went away is no news."""
