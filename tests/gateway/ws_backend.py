"""A WebSocket backend in a thread, and callers: real ones (`websockets`), and raw ones for what that library refuses to send."""

from __future__ import annotations

import base64
import os
import socket
import threading
from collections.abc import Callable
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import Server, ServerConnection, serve

from tests.gateway.process import Gateway

Talk = Callable[[ServerConnection], None]


def echo(connection: ServerConnection) -> None:
    """Answers every message with itself; `flood N` with N messages, `close N` by closing with that code."""
    try:
        for message in connection:
            if isinstance(message, str) and message.startswith("flood "):
                for number in range(int(message[6:])):
                    connection.send(f"{number}")
            elif isinstance(message, str) and message.startswith("close "):
                connection.close(int(message[6:]), "as asked")
                return
            elif message == "fall silent":
                connection.socket.shutdown(socket.SHUT_RDWR)
                return
            else:
                connection.send(message)
    except ConnectionClosed:
        return


class WsBackend:
    """Echoes by default. `requests` are the handshakes it saw, `closes` the codes that callers closed with."""

    def __init__(self, compression: str | None = None, **options: Any) -> None:
        self.requests: list[Any] = []
        self.closes: list[int | None] = []
        backend = self

        def handle(connection: ServerConnection) -> None:
            backend.requests.append(connection.request)
            echo(connection)
            backend.closes.append(connection.close_code)

        self._server: Server = serve(handle, "127.0.0.1", 0, compression=compression, max_size=None, **options)
        self.port = self._server.socket.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/base"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()


def caller(gateway: Gateway, path: str, token: str = "", **options: Any) -> ClientConnection:
    """A connection through the gateway."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    options = {"compression": None, "open_timeout": 10, "max_size": None, "proxy": None} | options
    return connect(f"ws://127.0.0.1:{gateway.http}{path}", additional_headers=headers, **options)


class RawCaller:
    """A caller that sends the frames it is told to, right or wrong."""

    def __init__(self, gateway: Gateway, path: str, token: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", gateway.http), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n"
            f"sec-websocket-key: {key}\r\nauthorization: Bearer {token}\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(1)
        self.head = head

    def __enter__(self) -> RawCaller:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, frame: bytes) -> None:
        """Sends bytes as they are."""
        self.socket.sendall(frame)

    def frame(self) -> tuple[int, bytes]:
        """The next frame: its first byte, its payload."""
        first, length = self._exactly(2)
        if length == 126:
            length = int.from_bytes(self._exactly(2), "big")
        return first, self._exactly(length)

    def closed_with(self) -> int:
        """The code of the close frame that comes next, other frames passed over."""
        while True:
            first, payload = self.frame()
            if first & 15 == 8:
                return int.from_bytes(payload[:2], "big")

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("the gateway closed")
            data += piece
        return data


def masked(first: int, payload: bytes = b"", key: bytes = b"\1\2\3\4") -> bytes:
    """A caller's frame with any first byte."""
    length = len(payload)
    head = bytes((first, 128 | length)) if length < 126 else bytes((first, 254)) + length.to_bytes(2, "big")
    return head + key + bytes(byte ^ key[place & 3] for place, byte in enumerate(payload))
