"""Priority executors: at most so many sequences at a time, the waiting ones by priority (reference 5.10)."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from dataclasses import dataclass, field

from integrator.engine.errors import Fault
from integrator.engine.reader import Reader
from integrator.engine.xmltools import Element, child, children, local

DEFAULT_THREADS = 20
DEFAULT_SIZE = 1000
LARGEST = 100_000


@dataclass(frozen=True)
class PriorityExecutor:
    """How many run at a time, and how many of each priority may wait. A greater number goes first."""

    name: str
    threads: int
    queues: tuple[tuple[int, int], ...]
    pool: Pool = field(repr=False, compare=False)


class Pool:
    """Gives turns. Belongs to one event loop."""

    def __init__(self, name: str, threads: int, queues: dict[int, int]):
        self.name = name
        self.threads = threads
        self.queues = queues
        self._running = 0
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    def place(self, priority: int) -> asyncio.Future[None]:
        """A future that is done when it is one's turn. Raises Fault when the queue of the priority is full, or not there."""
        if self.queues and priority not in self.queues:
            known = ", ".join(map(str, sorted(self.queues)))
            raise Fault(0, f"priority executor {self.name!r} has no queue for priority {priority}; it has {known}")
        turn = asyncio.get_running_loop().create_future()
        if self._running < self.threads:
            self._running += 1
            turn.set_result(None)
            return turn
        limit = self.queues.get(priority, DEFAULT_SIZE)
        if sum(-held == priority for held, _, _ in self._waiting) >= limit:
            raise Fault(0, f"priority executor {self.name!r}: the queue of priority {priority} is full, {limit} wait")
        heapq.heappush(self._waiting, (-priority, next(self._order), turn))
        return turn

    def done(self) -> None:
        """One that had its turn is over: the next one runs."""
        while self._waiting:
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._running -= 1


def read_executor(root: Element, reader: Reader) -> tuple[str, PriorityExecutor]:
    """A priority executor artifact. Raises DeploymentError."""
    reader.only(root, ("queues", "threads", "description"))
    name = reader.required(root, "name")
    if root.get("beforeExecute"):
        raise reader.fail(root, "attribute beforeExecute names a Java class; begin the sequence with <class> instead")
    holder, threads = child(root, "queues"), child(root, "threads")
    if holder is not None and holder.get("nextQueue"):
        raise reader.fail(holder, "attribute nextQueue names a Java class; the greatest priority goes first here")
    queues = dict(_queue(item, reader) for item in (children(holder) if holder is not None else ()))
    most = _number(threads, reader, "max", DEFAULT_THREADS) if threads is not None else DEFAULT_THREADS
    return name, PriorityExecutor(name, most, tuple(queues.items()), Pool(name, most, queues))


def _queue(item: Element, reader: Reader) -> tuple[int, int]:
    if local(item) != "queue":
        raise reader.fail(item, "allowed is queue")
    reader.required(item, "priority")
    return reader.integer(item, item.get("priority"), "attribute priority", 0), _number(
        item, reader, "size", DEFAULT_SIZE
    )


def _number(item: Element, reader: Reader, name: str, default: int) -> int:
    found = reader.integer(item, item.get(name), f"attribute {name}", default)
    if not 0 < found <= LARGEST:
        raise reader.fail(item, f"attribute {name}={item.get(name)!r}: allowed are 1 to {LARGEST}")
    return found
