"""A backend for large bodies: `GET /N` sends N megabytes, a POST is counted and thrown away. In a thread, in pieces."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MEGABYTE = bytes(1 << 20)


class Pump:
    """Runs until `stop`."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Says nothing."""

            def do_GET(self) -> None:
                """Sends."""
                count = int(self.path.rsplit("/", 1)[1])
                self.send_response(200)
                self.send_header("content-length", str(count << 20))
                self.end_headers()
                for _ in range(count):
                    self.wfile.write(MEGABYTE)

            def do_POST(self) -> None:
                """Counts."""
                left = size = int(self.headers["content-length"])
                while left:
                    left -= len(self.rfile.read(min(left, 1 << 20)))
                answer = b"%d" % size
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()
        self._server.server_close()
