"""The gunicorn worker of the data planes: uvloop, wire's server on every bound socket, orderly stop.

Use: `gunicorn -k wire.worker.Worker -b :8280 -b :8243 gateway.app:service()`. SIGTERM drains; SIGHUP to the master
starts fresh workers and drains the old.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import sys
from typing import Any

import uvloop
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker as BaseWorker

from wire.server import Server, Timeouts
from wire.service import Service

NOTIFY_SECONDS = 1.0

YOUNG = 20_000
"""Objects more than before until the collector looks for cycles; calls leave hardly any behind."""


class Worker(BaseWorker):  # type: ignore[misc]
    """Runs one Service. Uses gunicorn's keepalive (if above its default of 2 s), graceful_timeout and sockets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.quick = False
        self.leaving: asyncio.Event | None = None

    def init_signals(self) -> None:
        """Leaves signals to the loop; they are set when it runs."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def run(self) -> None:
        """The worker's life."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(self._live())
        sys.exit(code)

    async def _live(self) -> int:
        self.leaving = asyncio.Event()
        self._catch_signals()
        self._raise_file_limit()
        beat = asyncio.create_task(self._beat())
        service: Service = self.wsgi()
        try:
            await service.start()
        except Exception:  # noqa: BLE001 - the edge of the process: logged once, the master is told
            self.log.exception("the service did not start")
            beat.cancel()
            return int(Arbiter.WORKER_BOOT_ERROR)
        settle()
        server = await self._listen(service)
        await self.leaving.wait()
        grace = 0.0 if self.quick else float(self.cfg.graceful_timeout)
        broken = await server.stop(grace)
        if broken:
            self.log.warning("%d connections were broken after %g s of grace", broken, grace)
        await service.stop()
        beat.cancel()
        return 0

    def _raise_file_limit(self) -> None:
        """As many open files as this user may have: a connection is one, and 1,024 is what many systems begin with."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    async def _listen(self, service: Service) -> Server:
        idle = float(self.cfg.keepalive)
        server = Server(service, Timeouts(idle=idle) if idle > 2 else None)
        for bound in self.sockets:
            address = bound.sock.getsockname()
            port = int(address[1]) if isinstance(address, tuple) else 0
            tls = service.tls(port)
            await server.listen(bound.sock, tls)
            self.log.info("%s on %s", "https" if tls else "http", str(bound).removeprefix("http://"))
        return server

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._leave, False)
        loop.add_signal_handler(signal.SIGINT, self._leave, True)
        loop.add_signal_handler(signal.SIGQUIT, self._leave, True)
        loop.add_signal_handler(signal.SIGUSR1, self.log.reopen_files)

    def _leave(self, quick: bool) -> None:
        self.alive = False
        self.quick = quick
        if self.leaving is not None:
            self.leaving.set()

    async def _beat(self) -> None:
        """Tells the master that the loop turns, and leaves when the master is gone."""
        while True:
            self.notify()
            if os.getppid() != self.ppid:
                self.log.warning("the master is gone, leaving")
                self._leave(False)
                return
            await asyncio.sleep(NOTIFY_SECONDS)


def settle() -> None:
    """What stands after the start stays: the collector looks no more at it, and less often at what calls leave behind.

    Nothing is collected first: that would write to every object, and a forked worker would share no memory with its master.
    """
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
