"""The gateway's TLS listeners: which certificate for which host name, which callers are asked for theirs, files followed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

from gateway.settings import Settings
from wire.tls import Clients, Listener, Pair

LOOK_SECONDS = 2.0
"""How often the certificate files are looked at."""

MODES = {
    "none": Clients(),
    "known": Clients(),
    "any": Clients("optional", unchecked=True),
    "required": Clients("required"),
    "required-any": Clients("required", unchecked=True),
}
"""What the words of GATEWAY_CLIENT_CERTIFICATES mean. `known` and `required` take what `prepare` adds to a context."""


class Listeners:
    """All TLS listeners of a worker. `prepare` puts the certificates that callers may show into a context."""

    def __init__(self, settings: Settings, prepare: Callable[[ssl.SSLContext], None]) -> None:
        self._settings = settings
        self._prepare = prepare
        self._listeners: list[Listener] = []
        self._watch: asyncio.Task[None] | None = None

    def context(self, port: int) -> ssl.SSLContext | None:
        """What to listen with on `port`, None for plain http. Raises ValueError or OSError for unusable files."""
        if port not in self._settings.tls_ports:
            return None
        mode = self._settings.client_mode(port)
        prepare = self._prepare if mode in ("known", "required") else None
        spoken = ("h2", "http/1.1") if self._settings.http2 else ("http/1.1",)
        listener = Listener(self._pairs, MODES[mode], spoken, prepare)
        self._listeners.append(listener)
        if self._watch is None:
            self._watch = asyncio.get_running_loop().create_task(self._follow())
        return listener.front

    async def stop(self) -> None:
        """Ends following the files."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    def _pairs(self) -> list[Pair]:
        settings = self._settings
        return [Pair(settings.certificate, settings.private_key), *further(settings.further_certificates)]

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for listener in self._listeners:
                listener.reload_if_changed()


def further(folder: Path) -> list[Pair]:
    """The pairs NAME.crt and NAME.key in a folder; a certificate still without its key is left out."""
    found = [Pair(path, path.with_suffix(".key")) for path in sorted(folder.glob("*.crt"))]
    return [pair for pair in found if pair.key.is_file()]
