"""When an endpoint may be used: its suspension after failures, its active checks, and the bounds on what is open towards it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from weakref import ref

from gateway.schema import CircuitBreaker, HealthCheck, Suspension
from wire.client import Client, Limits
from wire.upstream import UpstreamError

log = logging.getLogger("gateway")

USUAL_TIMEOUTS = frozenset({"101504", "101505"})
"""Codes that only mark an endpoint when none are named: no answer in time, connection closed before it."""

USUAL_MILLISECONDS = 30_000
"""The suspension when its duration makes no sense."""

NEVER = frozenset({"-1"})
"""The code that stands for none at all, as artifacts of the original write it."""


class Health:
    """The state of one endpoint in this worker: active, timeout (marked, tried again after a delay) or suspended.

    A success makes it active again. Suspensions in a row get longer by `factor`, up to the maximum. While it is `down`, which is
    what active checks found, it is not used at all.
    """

    def __init__(self, name: str, record: Suspension, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.record = record
        self.state = "ACTIVE"
        self.down = False
        self._clock = clock
        self._until = 0.0
        self._left = record.retries
        self._last_ms = 0.0
        self._timeouts = frozenset(record.codes) or USUAL_TIMEOUTS
        self._faults = frozenset(record.suspend_codes)

    def ready(self) -> bool:
        """Whether a call may go there now."""
        return not self.down and (self.state == "ACTIVE" or self._clock() >= self._until)

    def succeeded(self) -> None:
        """An answer came."""
        if self.state != "ACTIVE":
            log.warning("endpoint is active again", extra={"fields": {"endpoint": self.name, "was": self.state}})
            self.state = "ACTIVE"
        self._left = self.record.retries
        self._last_ms = 0.0

    def failed(self, code: str) -> None:
        """No answer came, for the reason that `code` stands for.

        Calls that were under way when the endpoint was suspended say nothing new: a thousand of them would double its
        suspension a thousand times.
        """
        if self.state == "SUSPENDED" and self._clock() < self._until:
            return
        if code in self._timeouts:
            if self._left > 0:
                self._left -= 1
                self._until = self._clock() + self.record.retry_delay_ms / 1000
                self._become("TIMEOUT", code, self.record.retry_delay_ms)
            else:
                self._suspend(code)
        elif code in self._faults or not self._faults:
            self._suspend(code)

    def _suspend(self, code: str) -> None:
        record = self.record
        milliseconds = self._last_ms * record.factor if self._last_ms > 0 else float(record.initial_ms)
        if record.maximum_ms > 0:
            milliseconds = min(milliseconds, record.maximum_ms)
        elif milliseconds < 0:
            milliseconds = USUAL_MILLISECONDS
        self._last_ms = milliseconds
        self._until = self._clock() + milliseconds / 1000
        self._become("SUSPENDED", code, milliseconds)

    def _become(self, state: str, code: str, milliseconds: float) -> None:
        self.state = state
        fields = {"endpoint": self.name, "state": state, "code": code, "milliseconds": int(milliseconds)}
        log.warning("endpoint failed", extra={"fields": fields})


class Checks:
    """Asks an endpoint now and then whether it is well, as long as somebody holds its `health`. Raises ValueError for a record
    that would ask without a pause."""

    def __init__(self, record: HealthCheck, url: str, health: Health, client: Client) -> None:
        if not record.seconds > 0:
            raise ValueError(f"health.seconds {record.seconds:g} of an endpoint must be more than 0")
        self._record = record
        self._url = url.rstrip("/") + "/" + record.path.lstrip("/")
        self._health = ref(health)
        self._client = client
        self._row = 0
        self._task: asyncio.Task[None] | None = None
        self.start()

    def start(self) -> None:
        """Asks (again)."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """Asks no more until it is started again."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        while self._health() is not None:
            well = await self._ask()
            health = self._health()
            if health is not None:
                self._judge(health, well)
            del health
            await asyncio.sleep(self._record.seconds)

    async def _ask(self) -> bool:
        seconds = self._record.timeout_ms / 1000
        try:
            async with asyncio.timeout(seconds):
                async with await self._client.request("GET", self._url, limits=Limits(seconds, seconds)) as answer:
                    return answer.status < 400
        except (UpstreamError, TimeoutError, ValueError):
            return False

    def _judge(self, health: Health, well: bool) -> None:
        """Counts answers in a row: positive while well, negative while not."""
        self._row = max(self._row, 0) + 1 if well else min(self._row, 0) - 1
        if well and self._row >= self._record.healthy:
            if health.down:
                log.warning("endpoint passes its checks", extra={"fields": {"endpoint": health.name}})
            health.down = False
            health.succeeded()
        elif not well and -self._row >= self._record.unhealthy and not health.down:
            health.down = True
            log.warning("endpoint fails its checks", extra={"fields": {"endpoint": health.name}})


class Breaker:
    """Bounds the calls under way to one endpoint from this worker. More than that wait in order, up to `pending`."""

    def __init__(self, record: CircuitBreaker) -> None:
        self._record = record
        self._open = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def enter(self, go: Callable[[], None]) -> bool:
        """Runs `go`, now or when there is room; False when there is not even room to wait."""
        if not self._record.connections or self._open < self._record.connections:
            self._open += 1
            go()
            return True
        if len(self._waiting) >= self._record.pending:
            return False
        self._waiting.append(go)
        return True

    def leave(self) -> None:
        """One call is over."""
        if self._waiting:
            # Not from here: a row of callers that all left would be as many calls deep.
            asyncio.get_running_loop().call_soon(self._waiting.popleft())
        else:
            self._open -= 1
