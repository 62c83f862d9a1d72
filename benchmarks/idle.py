"""10,000 connections that were used once and are kept alive: the memory they take in a worker."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.results import Result, result
from benchmarks.stage import gateway_with

CONNECTIONS = 10_000
ALLOWED_MB = 100.0


def measure(folder: Path, rounds: int, seconds: int, say: Callable[[str], None]) -> list[Result]:
    """Memory of the worker with the connections, less that before them."""
    del rounds, seconds
    with gateway_with(folder) as stage:
        worker = stage.workers()[0]
        request = f"GET /bare/1.0/orders HTTP/1.1\r\nhost: localhost:{stage.port}\r\n\r\n".encode()
        held = [_used(stage.port, request) for _ in range(200)]
        time.sleep(1)
        before = worker.memory_full_info().uss
        try:
            held += [_used(stage.port, request) for _ in range(CONNECTIONS)]
            time.sleep(1)
            grown = (worker.memory_full_info().uss - before) / 2**20
        finally:
            for one in held:
                one.close()
    say(f"  {CONNECTIONS} idle connections take {grown:.1f} MB")
    return [result("scale.idle_connections", grown, "MB for 10,000", "allowed", ALLOWED_MB)]


def _used(port: int, request: bytes) -> socket.socket:
    """A connection that got one answer."""
    one = socket.create_connection(("127.0.0.1", port), timeout=10)
    one.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += one.recv(4096)
    return one
