"""A body of 1 GB each way: it streams through, so that memory stays flat."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import psutil

from benchmarks.machine import free_port
from benchmarks.results import Result, result
from benchmarks.stage import gateway_with

SIZE = 1024**3
PIECE = bytes(1024 * 1024)
ALLOWED_MB = 20.0


def measure(folder: Path, rounds: int, seconds: int, say: Callable[[str], None]) -> list[Result]:
    """The most memory of the worker during an upload and a download, less that before them."""
    del rounds, seconds
    port = free_port()
    results = []
    with _backend(port), gateway_with(folder, backend=f"http://127.0.0.1:{port}") as stage:
        worker = stage.workers()[0]
        for name, move in (("upload", _upload), ("download", _download)):
            before = worker.memory_full_info().uss
            grown = max(worker.memory_full_info().uss - before for _ in move(stage.port, worker)) / 2**20
            say(f"  {name} of 1 GB: {grown:+.1f} MB")
            results.append(result(f"scale.{name}_1_gb", max(grown, 0.0), "MB more", "allowed", ALLOWED_MB))
    return results


def _upload(port: int, worker: psutil.Process) -> Iterator[None]:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as one:
        one.sendall(b"POST /bare/1.0/orders HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % SIZE)
        for number in range(SIZE // len(PIECE)):
            one.sendall(PIECE)
            if number % 64 == 0:
                yield
        _head(one)
    yield


def _download(port: int, worker: psutil.Process) -> Iterator[None]:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as one:
        one.sendall(b"GET /bare/1.0/large HTTP/1.1\r\nhost: x\r\n\r\n")
        left = SIZE - len(_head(one))
        number = 0
        while left > 0:
            left -= len(one.recv(1024 * 1024))
            number += 1
            if number % 500 == 0:
                yield
    yield


def _head(one: socket.socket) -> bytes:
    """Reads a head; what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += one.recv(65536)
    head, _, rest = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"bodies: {head[:200]!r}")
    return rest


@contextmanager
def _backend(port: int) -> Iterator[None]:
    """Swallows any body; answers `/large` with 1 GB and the rest with nothing."""
    listening = socket.create_server(("127.0.0.1", port))

    def serve(one: socket.socket) -> None:
        try:
            while head := _request(one):
                if b"/large" in head:
                    one.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % SIZE)
                    for _ in range(SIZE // len(PIECE)):
                        one.sendall(PIECE)
                else:
                    one.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        except OSError:
            one.close()

    def accept() -> None:
        while True:
            try:
                one, _ = listening.accept()
            except OSError:
                return
            Thread(target=serve, args=(one,), daemon=True).start()

    Thread(target=accept, daemon=True).start()
    try:
        yield
    finally:
        listening.close()


def _request(one: socket.socket) -> bytes:
    """One request's head; its body is read and dropped. Empty at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = one.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    left = length - len(rest)
    while left > 0:
        left -= len(one.recv(1024 * 1024))
    return head
