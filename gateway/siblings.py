"""The workers of one gateway on one host show their metrics together: a scrape meets one, which asks the others.

Each worker answers on a Unix socket of its own in a folder that only this user can enter. Nothing is written while nobody asks.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

ANSWER_SECONDS = 1.0
ANSWER_LIMIT = 64 * 1024 * 1024


class Siblings:
    """The sockets of the workers that share `identity` (state folder and environment). `render` gives this worker's text."""

    def __init__(self, identity: str, render: Callable[[], str]) -> None:
        digest = sha256(f"{os.getuid()}:{identity}".encode()).hexdigest()[:16]
        self.folder = Path(tempfile.gettempdir()) / f"apim-gateway-{digest}"
        self.render = render
        self._server: asyncio.AbstractServer | None = None

    @property
    def path(self) -> Path:
        """This worker's socket."""
        return self.folder / f"{os.getpid()}.sock"

    async def start(self) -> None:
        """Begins to answer the others. Raises OSError when the folder belongs to somebody else."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self.folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{self.folder} belongs to another user")
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._answer, self.path)

    async def stop(self) -> None:
        """Takes the socket away."""
        if self._server is not None:
            self._server.close()
            self.path.unlink(missing_ok=True)

    async def gather(self) -> list[str]:
        """The texts of all workers, this one's first. One that does not answer in a second is left out."""
        others = [path for path in self.folder.glob("*.sock") if path != self.path]
        found = await asyncio.gather(*map(_ask, others))
        return [self.render(), *filter(None, found)]

    async def _answer(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.render().encode())
        writer.close()


async def _ask(path: Path) -> str:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(path, limit=ANSWER_LIMIT)
            text = await reader.read()
            writer.close()
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)  # Its worker was killed.
        return ""
    except (OSError, TimeoutError):
        return ""
    return text.decode()


def merged(texts: list[str]) -> str:
    """Expositions as one: each family once with its TYPE line, then the series of all (Prometheus text format)."""
    families: dict[str, list[str]] = {}
    for text in texts:
        current: list[str] = []
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                current = families.setdefault(line, [])
            elif line:
                current.append(line)
    return "".join(f"{head}\n" + "".join(f"{line}\n" for line in lines) for head, lines in families.items())
