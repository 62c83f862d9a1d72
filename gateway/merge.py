"""Joins the counters of all workers and hosts through Redis, off the path of calls; without Redis each worker counts alone.

Every `merge_seconds` a worker tells Redis what it used and has a share of what is left set aside for the next moments. A call
that finds its share used up waits for the next such exchange, together with all others that wait: about a millisecond, and only
near a limit or where limits are small. What is set aside never exceeds a limit, so all workers together do not either, but
for the small credit that each may use before it asks (gateway.counters).
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from uuid import uuid4

import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.counters import Counter, Counters

log = logging.getLogger("gateway.merge")

RETRY_SECONDS = 1.0
KEEP_SECONDS = 10
"""How long a total outlives its window in Redis."""

SWEEP_SECONDS = 5.0
ALIVE_SECONDS = 1.0
"""How often a worker says that it is there; after three times as long it is counted no more."""

BATCH = 500
"""Counters in one exchange: Redis serves nobody else meanwhile (about 2 ms)."""

ANSWER_SECONDS = 1.0
"""Redis must answer in this time; then it counts as away, and nobody waits for it any more."""

PATIENCE = 2 * ANSWER_SECONDS
"""Seconds a call waits for its share at most; then the worker decides by what it knows."""

WORKERS = "apim:limit:workers"

ALIVE = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
if ARGV[3] == '1' then redis.call('ZADD', KEYS[1], now, ARGV[1]) else redis.call('ZREM', KEYS[1], ARGV[1]) end
return redis.call('ZCARD', KEYS[1])
"""

EXCHANGE = """
local workers = redis.call('ZCARD', KEYS[1])
local answer = {workers}
for i = 1, (#KEYS - 1) / 2 do
  local key, before, at = KEYS[2 * i], KEYS[2 * i + 1], 6 * (i - 1)
  local amount, seconds, change = tonumber(ARGV[at + 1]), ARGV[at + 2], tonumber(ARGV[at + 3])
  local wanted, known, weight = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
  local previous = 0
  if weight > 0 then
    previous = tonumber(redis.call('GET', before) or 0)
    amount = amount - math.ceil(previous * weight)
  end
  local total = math.max(0, tonumber(redis.call('GET', key) or known) + change)
  local left, granted = amount - total, 0
  if wanted > 0 and left > 0 then
    granted = math.min(wanted, math.max(1, math.floor(left / (2 * math.max(1, workers)))))
    total = total + granted
  end
  redis.call('SET', key, string.format('%.0f', total), 'EX', seconds)
  answer[3 * i - 1], answer[3 * i], answer[3 * i + 1] = total, granted, previous
end
return answer
"""
"""Takes in what a worker used and sets its share aside. A total that Redis lost is put back from what the worker knows."""


class Merge:
    """The task that joins `counters` with the other workers' through the Redis at `url`."""

    def __init__(self, counters: Counters, url: str, seconds: float) -> None:
        self.counters = counters
        self.seconds = seconds
        self.joined = False
        self.exchanges = 0
        self.name = f"{os.getpid()}-{uuid4().hex[:12]}"
        # An exchange is not tried again: Redis may have counted it before its answer was lost.
        self._redis = redis.asyncio.Redis.from_url(
            url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS, retry=Retry(NoBackoff(), 0)
        )
        self._alive = self._redis.register_script(ALIVE)
        self._exchange = self._redis.register_script(EXCHANGE)
        self._task: asyncio.Task[None] | None = None
        self._urgent = asyncio.Event()
        self._asked: list[Counter] = []
        self._next: asyncio.Future[None] | None = None
        self._seen = 0.0
        self._due = 0.0
        self._careful = 0.0
        self._failed = False
        self._swept = 0.0

    def start(self) -> None:
        """Starts the task, which joins the others at once."""
        self.counters.ask = self.ask
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Gives back what was set aside, and ends the task and the connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.joined:
            try:
                self.counters.among(1, joined=False, now=time.time())
                await self._settle(self._take_dirty())
                await self._alive(keys=[WORKERS], args=[self.name, 3 * ALIVE_SECONDS, 0])
            except (RedisError, OSError) as error:
                log.debug("the last counts are lost", extra={"fields": {"reason": str(error)}})
        self._release()
        await self._redis.aclose()

    def ask(self, counters: Sequence[Counter]) -> asyncio.Future[None]:
        """Has shares of these set aside at once; done after the exchange, however it went."""
        for counter in counters:
            counter.wanted += 1
            self._asked.append(counter)
        self._urgent.set()
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        return self._next

    async def _run(self) -> None:
        wait = 0.0
        while True:
            try:
                await self._say_alive()
                await self._settle(self._next_ones())
                self._tell(True)
                self._failed = False
                wait = max(0.0, self._due - time.monotonic())
            except (RedisError, OSError) as error:
                wait = 0.0 if self._again(error) else RETRY_SECONDS
                if wait:
                    self._tell(False, str(error))
            now = time.time()
            if abs(now - self._swept) > SWEEP_SECONDS:
                self._swept = now
                self.counters.sweep(now)
            await self._pause(wait)

    async def _pause(self, seconds: float) -> None:
        """Until the next time, or until a call asks; calls do not ask a Redis that is away."""
        if not self.joined:
            await asyncio.sleep(seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._urgent.wait()
        except TimeoutError:
            return

    async def _say_alive(self) -> None:
        clock = time.monotonic()
        if not self.joined or not self._seen or clock - self._seen >= ALIVE_SECONDS:
            workers = await self._alive(keys=[WORKERS], args=[self.name, 3 * ALIVE_SECONDS, 1])
            if not self.joined:
                self._be_careful()
            self._seen = clock
            self._among(int(workers))

    def _again(self, error: Exception) -> bool:
        """Whether to try again at once: a Redis that was started anew answers over a new connection."""
        again = self.joined and not self._failed and isinstance(error, redis.exceptions.ConnectionError | OSError)
        self._failed = again
        if again:
            self._be_careful()
        return again

    def _be_careful(self) -> None:
        """Others may be about to join (again): for a while there are as many as ever, and never none."""
        self._seen = 0.0
        self._careful = time.monotonic() + 1.5 * ALIVE_SECONDS

    def _among(self, workers: int) -> None:
        """Takes in how many there are. None at all, not even this one: Redis lost the list."""
        if workers == 0:
            self._be_careful()
        if time.monotonic() < self._careful:
            workers = max(workers, self.counters.workers, 2)
        self.counters.among(max(workers, 1), joined=True, now=time.time())

    def _tell(self, joined: bool, reason: str = "") -> None:
        """Says in the log when limits begin or cease to be shared, and lets nobody wait in vain."""
        if joined != self.joined or reason and self._swept == 0.0:
            if joined:
                log.info("limits are shared with the other workers")
            else:
                log.warning("limits are counted per worker", extra={"fields": {"reason": reason}})
        self.joined = joined
        if not joined:
            self.counters.among(1, joined=False, now=time.time())
            self._release()

    def _next_ones(self) -> list[Counter]:
        """Those that calls wait for, and when it is time everything that moved."""
        asked, self._asked = self._asked, []
        self._urgent.clear()
        clock = time.monotonic()
        if clock >= self._due:
            self._due = clock + self.seconds
            asked += self._take_dirty()
        return list(dict.fromkeys(asked))

    def _take_dirty(self) -> list[Counter]:
        dirty, self.counters.dirty = self.counters.dirty, []
        for counter in dirty:
            counter.clean = True
        return dirty

    def _release(self) -> None:
        """Lets go on whoever waits."""
        waiting, self._next = self._next, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def _settle(self, counters: list[Counter]) -> None:
        """Exchanges these counters with Redis. Raises RedisError, OSError; what was not told then is owed."""
        waiting, self._next = self._next, None
        try:
            for first in range(0, len(counters), BATCH):
                await self._settle_some(counters[first : first + BATCH])
        finally:
            if waiting is not None and not waiting.done():
                waiting.set_result(None)

    async def _settle_some(self, counters: list[Counter]) -> None:
        now = time.time()
        sent: list[tuple[Counter, str, int]] = []
        keys: list[str] = [WORKERS]
        values: list[float | str] = []
        for counter in counters:
            if counter.ends <= now or not counter.starts <= now + 1:
                continue
            name = f"{counter.name}:{int(counter.ends)}"
            before = f"{counter.name}:{int(counter.starts)}"
            lasts = counter.ends - now + KEEP_SECONDS + (counter.ends - counter.starts if counter.limit.sliding else 0)
            known = counter.known
            change, wanted = counter.settle()
            sent.append((counter, name, change))
            keys += (name, before)
            values += (counter.amount, int(lasts), change, wanted, known, f"{counter.weight(now):.6f}")
        if not sent:
            return
        try:
            answer = await self._exchange(keys=keys, args=values)
        except (RedisError, OSError):
            for counter, name, change in sent:
                if name == f"{counter.name}:{int(counter.ends)}":
                    counter.unsettled(change)
            raise
        self.exchanges += 1
        self._among(int(answer[0]))
        now = time.time()
        for place, (counter, name, _) in enumerate(sent):
            total, granted, previous = answer[3 * place + 1 : 3 * place + 4]
            if name == f"{counter.name}:{int(counter.ends)}":
                counter.previous = max(counter.previous, int(previous)) if counter.limit.sliding else 0
                counter.settled(int(total), int(granted), now)
