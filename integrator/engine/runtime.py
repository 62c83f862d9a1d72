"""What deployments share and what outlives them: HTTP client, database pools, worker threads, Redis, state."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from integrator.engine.connectors.connections import Connections
from integrator.engine.databases import Pools
from integrator.engine.settings import Settings
from integrator.engine.stores.base import Store, StoreError
from integrator.engine.stores.memory import MemoryStore
from integrator.engine.switches import Switches
from integrator.engine.tracing.store import Tracing
from wire.client import Client

if TYPE_CHECKING:
    from integrator.engine.stores.redis import Shared

log = logging.getLogger("integrator")
T = TypeVar("T")


class State(Protocol):
    """Small values that all processes of one home share."""

    async def get(self, name: str) -> str | None:
        """Value, None when unset."""

    async def set(self, name: str, value: str | None) -> None:
        """Set, or remove with None."""


class MemoryState:
    """State of this process only."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    async def get(self, name: str) -> str | None:
        """Value, None when unset."""
        return self._values.get(name)

    async def set(self, name: str, value: str | None) -> None:
        """Set, or remove with None."""
        if value is None:
            self._values.pop(name, None)
        else:
            self._values[name] = value


class Runtime:
    """Made when the engine starts, inside its event loop."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.client = Client(tls=_client_tls(settings))
        self.pools = Pools()
        self.connections = Connections()
        self.switches = Switches()
        self.tracing = Tracing(self.switches)
        self.threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="integrator")
        self.max_body = settings.max_body_bytes
        self.global_timeout_ms = settings.global_timeout_ms
        self.background: set[asyncio.Task[Any]] = set()
        self.redis = _shared(settings) if settings.redis_url else None
        self.state: State = self.redis.state() if self.redis is not None else MemoryState()
        self._stores: dict[str, Store] = {}

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run blocking work on a worker thread."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, function, *arguments)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside the flow; the engine waits for it when it stops."""
        task = asyncio.get_running_loop().create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)
        return task

    def store(self, name: str) -> Store:
        """The store of a name; the same object as long as the process lives."""
        found = self._stores.get(name)
        if found is None:
            if self.redis is not None:
                found = self.redis.store(name)
            else:
                log.warning(
                    "message store %s is kept in memory: no REDIS_URL is set, its messages end with the process", name
                )
                found = MemoryStore(name)
            self._stores[name] = found
        return found

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Whether `holder` is the one of all processes of this home that may go on with `name`; prolongs its turn.

        False, with a line in the log, when Redis cannot be asked.
        """
        if self.redis is None:
            return True
        try:
            return await self.redis.lease(name, holder, seconds)
        except StoreError as error:
            log.error("%s waits: %s", name, error)
            return False

    async def close(self) -> None:
        """Wait for work in the background, then close everything."""
        if self.background:
            await asyncio.wait(self.background, timeout=10)
        await self.connections.close()
        await self.client.close()
        if self.redis is not None:
            await self.redis.close()
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.pools.close()


def _shared(settings: Settings) -> Shared:
    """What the processes of this home share; the Redis client is loaded only when there is a Redis."""
    from integrator.engine.stores.redis import Shared  # noqa: PLC0415

    return Shared(settings.redis_url, settings.store_prefix)


def _client_tls(settings: Settings) -> ssl.SSLContext | None:
    if not settings.trust:
        return None
    context = ssl.create_default_context()
    context.load_verify_locations(settings.trust)
    return context
