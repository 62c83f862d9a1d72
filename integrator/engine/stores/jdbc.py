"""Stores in a table of a database: indexId, msg_id, message; resequenced ones also by seq_id (reference 5.9)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from integrator.engine.databases import DatabaseUrlError, Source, execute, sql_errors
from integrator.engine.stores.base import Reserved, StoreError

if TYPE_CHECKING:
    from integrator.engine.runtime import Runtime

_NAME = re.compile(r"[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)?\Z")
TABLE = "jdbc_message_store"
LAST = "tbl_lastprocessid"


def table_name(text: str) -> str:
    """The name of a table. Raises StoreError for anything else: it becomes part of SQL."""
    if not _NAME.match(text):
        raise StoreError(f"table {text!r}: a name of letters, digits and _ is expected")
    return text


class JdbcStore:
    """Messages as rows, the oldest first. One consumer of a process holds the head; the table must be there."""

    durable = True

    def __init__(self, name: str, runtime: Runtime, source: Callable[[], Source], table: str = TABLE):
        self.name = name
        self._runtime = runtime
        self._source = source
        self._table = table_name(table)
        self._held: tuple[str, int] | None = None

    async def put(self, data: bytes) -> None:
        """Append; committed when this returns."""
        await self._do(self._insert, data)

    async def reserve(self) -> Reserved | None:
        """Hold the oldest row."""
        if self._held is not None:
            return None
        token = uuid.uuid4().hex
        self._held = (token, -1)
        row = None
        try:
            row = await self._do(self._head)
        finally:
            self._held = None if row is None else (token, row[0])
        return None if row is None else Reserved(bytes(row[1]), token)

    async def keep(self, reserved: Reserved) -> None:
        """Nothing to do: the hold ends with the process."""

    async def ack(self, reserved: Reserved) -> None:
        """Delete the held row."""
        if self._held is not None and self._held[0] == reserved.token:
            index = self._held[1]
            await self._do(self._delete, index)
            self._held = None

    async def release(self, reserved: Reserved) -> None:
        """Give up the hold; the row stays."""
        if self._held is not None and self._held[0] == reserved.token:
            self._held = None

    async def size(self) -> int:
        """Rows waiting."""
        return int((await self._do(self._rows, f"SELECT COUNT(*) FROM {self._table}"))[0][0])  # noqa: S608

    def _insert(self, data: bytes) -> None:
        self._change((f"INSERT INTO {self._table} (msg_id, message) VALUES (?, ?)", (uuid.uuid4().hex, data)))  # noqa: S608

    def _head(self) -> Sequence[Any] | None:
        rows = self._rows(f"SELECT indexId, message FROM {self._table} ORDER BY indexId LIMIT 1")  # noqa: S608
        return rows[0] if rows else None

    def _delete(self, index: int) -> None:
        self._change((f"DELETE FROM {self._table} WHERE indexId = ?", (index,)))  # noqa: S608

    def _rows(self, sql: str) -> list[Any]:
        with self._runtime.pools.engine(self._source()).connect() as connection:
            return list(execute(connection, sql, ()))

    def _change(self, *statements: tuple[str, tuple[Any, ...]]) -> None:
        with self._runtime.pools.engine(self._source()).begin() as connection:
            for sql, values in statements:
                execute(connection, sql, values)

    async def _do(self, work: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return await self._runtime.run(work, *arguments)
        except (sql_errors(), DatabaseUrlError, OSError) as error:
            raise StoreError(f"store {self.name!r}: {str(error).splitlines()[0]}") from error


class ResequenceStore(JdbcStore):
    """Rows by their number. A gap is waited for `patience` looks (-1: for ever), then what is there goes on."""

    def __init__(
        self, name: str, runtime: Runtime, source: Callable[[], Source], table: str = TABLE, patience: int = -1
    ):
        super().__init__(name, runtime, source, table)
        self.patience = patience
        self._looked = 0
        self._number = 0

    async def put_numbered(self, data: bytes, number: int) -> None:
        """Keep a message under its number."""
        sql = f"INSERT INTO {self._table} (msg_id, seq_id, message) VALUES (?, ?, ?)"  # noqa: S608
        await self._do(self._change, (sql, (uuid.uuid4().hex, number, data)))

    def _head(self) -> Sequence[Any] | None:
        order = "ORDER BY seq_id, indexId LIMIT 1"
        rows = self._rows(f"SELECT indexId, message, seq_id FROM {self._table} {order}")  # noqa: S608
        if not rows:
            return None
        if rows[0][2] > self._last() + 1 and (self.patience < 0 or self._looked < self.patience):
            self._looked += 1
            return None
        self._number = rows[0][2]
        return rows[0][:2]  # type: ignore[no-any-return]

    def _last(self) -> int:
        with self._runtime.pools.engine(self._source()).connect() as connection:
            found = list(execute(connection, f"SELECT seq_id FROM {LAST} WHERE statement = ?", (self.name,)))  # noqa: S608
        return int(found[0][0]) if found else 0

    def _delete(self, index: int) -> None:
        self._looked = 0
        self._change(
            (f"DELETE FROM {self._table} WHERE indexId = ?", (index,)),  # noqa: S608
            (f"DELETE FROM {LAST} WHERE statement = ?", (self.name,)),  # noqa: S608
            (f"INSERT INTO {LAST} (statement, seq_id) VALUES (?, ?)", (self.name, max(self._number, 0))),  # noqa: S608
        )
