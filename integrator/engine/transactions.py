"""Transactions of a flow: one connection per database, held from their begin to commit or rollback (reference 3.3)."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from integrator.engine.databases import Pools, Source, sql_errors
from integrator.engine.errors import Fault
from integrator.engine.message import Message

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

log = logging.getLogger("integrator.transactions")
_KEY = "integrator.transaction"
"""Default-scope property: a copy of a message is in the transaction of its parent, or in one of its own."""


class Transaction:
    """Used from worker threads, one at a time. It ends once; each database commits by itself, one after the other."""

    def __init__(self, pools: Pools):
        self.pools = pools
        self.over = False
        self._connections: dict[Source, Connection] = {}
        self._lock = threading.Lock()

    @contextmanager
    def using(self) -> Iterator[Callable[[Source], Connection]]:
        """Gives the connections of databases for as long as the block runs. Raises Fault when the transaction is over."""
        with self._lock:
            if self.over:
                raise Fault(0, "the transaction is over")
            yield self._connection

    def _connection(self, source: Source) -> Connection:
        found = self._connections.get(source)
        if found is None:
            found = self._connections[source] = self.pools.engine(source).connect()
        return found

    def end(self, commit: bool) -> None:
        """Commit or roll back all connections and give them back. Raises Fault; what is not committed is rolled back."""
        failed: Exception | None = None
        with self._lock:
            self.over = True
            for connection in self._connections.values():
                try:
                    connection.commit() if commit and failed is None else connection.rollback()
                except sql_errors() as error:
                    failed = failed or error
                finally:
                    connection.close()
            self._connections.clear()
        if failed is not None:
            raise Fault(0, f"the transaction failed: {getattr(failed, 'orig', None) or failed}") from failed


def active(message: Message) -> Transaction | None:
    """The transaction that a message is in; None when there is none."""
    found = message.properties.get(_KEY)
    return found if isinstance(found, Transaction) and not found.over else None


def begin(message: Message) -> None:
    """Begin one; when the flow ends with it still open it is rolled back."""
    runtime = message.deployment.runtime
    made = message.properties[_KEY] = Transaction(runtime.pools)
    artifact, correlation = message.flow.artifact, message.flow.correlation_id

    async def give_up() -> None:
        try:
            await runtime.run(made.end, False)
        except Fault as fault:
            log.error("%s: %s", artifact, fault.message, extra={"correlation_id": correlation})

    def ended(_task: object) -> None:
        if not made.over:
            text = "%s ended inside a transaction; it is rolled back"
            log.warning(text, artifact, extra={"correlation_id": correlation})
            runtime.spawn(give_up())

    task = asyncio.current_task()
    assert task is not None
    task.add_done_callback(ended)


async def end(message: Message, commit: bool) -> None:
    """Commit or roll back. Raises Fault when there is none."""
    found = active(message)
    if found is None:
        raise Fault(0, f"there is no transaction to {'commit' if commit else 'roll back'}")
    del message.properties[_KEY]
    await message.deployment.runtime.run(found.end, commit)
