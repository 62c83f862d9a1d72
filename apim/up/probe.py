"""Asking a process whether it is ready."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

EVERY = 0.1
TIMEOUT = 2.0


def wait_ready(address: str, alive: Callable[[], bool]) -> bool:
    """Poll `address` until it answers; False when `alive` says that there is nobody left to answer."""
    while alive():
        if answers(address):
            return True
        time.sleep(EVERY)
    return False


def answers(address: str) -> bool:
    """Whether `tcp://host:port` accepts, or `http://host:port/path` answers 200."""
    parts = urlsplit(address)
    try:
        if parts.scheme == "tcp":
            socket.create_connection((parts.hostname, parts.port), TIMEOUT).close()
            return True
        return _status(parts.hostname or "", parts.port or 80, parts.path) == 200
    except (OSError, http.client.HTTPException):
        return False


def _status(host: str, port: int, path: str) -> int:
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()
