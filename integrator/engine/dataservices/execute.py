"""Runs the queries of one request on its connections, on a worker thread, in one transaction per database."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from integrator.engine.databases import DatabaseUrlError, Pools, Source, execute, sql_errors
from integrator.engine.dataservices.faults import (
    CONNECTION_ERROR,
    DATABASE_ERROR,
    INCOMPATIBLE_PARAMETERS,
    VALIDATION_ERROR,
    DataServiceFault,
)
from integrator.engine.dataservices.records import CallQuery, Field, Parameter, Query, Result
from integrator.engine.dataservices.rows import Row, Table, text_value

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, CursorResult

    from integrator.engine.dataservices.service import DataService

MAX_DEPTH = 10
TYPES: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "LONG", "VARINT"), int),
    **dict.fromkeys(("NUMERIC", "DECIMAL", "MONEY", "SMALLMONEY"), Decimal),
    **dict.fromkeys(("REAL", "FLOAT", "DOUBLE"), float),
    **dict.fromkeys(("BIT", "BOOLEAN"), lambda text: text.strip().lower() in ("1", "true")),
    **dict.fromkeys(("BINARY", "VARBINARY", "LONG VARBINARY", "BLOB", "IMAGE"), base64.b64decode),
    "DATE": lambda text: date.fromisoformat(text[:10]),
    "TIME": lambda text: time.fromisoformat(text),
    "TIMESTAMP": lambda text: datetime.fromisoformat(text),
}


class Session:
    """One request: a connection and transaction per database; commits when left without an error, else rolls back.

    With `borrow` the connections are those of a transaction that somebody else ends.
    """

    def __init__(
        self,
        service: DataService,
        pools: Pools,
        data_source: Callable[[str], Source | None],
        borrow: Callable[[Source], Connection] | None = None,
    ):
        self.service = service
        self.pools = pools
        self.data_source = data_source
        self.borrow = borrow
        self.connections: dict[str, Connection] = {}
        self.exports: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        failed: Exception | None = None
        for connection in self.connections.values():
            try:
                connection.rollback() if kind or failed else connection.commit()
            except sql_errors() as problem:
                failed = problem
            finally:
                connection.close()
        if failed is not None and error is None:
            raise DataServiceFault(DATABASE_ERROR, str(getattr(failed, "orig", None) or failed)) from failed

    def connection(self, name: str) -> Connection:
        """The connection of a config. Raises DataServiceFault when the database is not there."""
        found = self.connections.get(name)
        if found is None:
            config = self.service.configs[name]
            source = config.database or self.data_source(config.data_source)
            if source is None:
                raise DataServiceFault(CONNECTION_ERROR, f"data source {config.data_source!r} is not defined")
            try:
                if self.borrow is not None:
                    return self.borrow(source)
                found = self.connections[name] = self.pools.engine(source).connect()
            except (sql_errors(), DatabaseUrlError) as error:
                raise DataServiceFault(CONNECTION_ERROR, str(getattr(error, "orig", None) or error)) from error
        return found

    def call(
        self, call: CallQuery, inputs: Mapping[str, Any], columns: Mapping[str, Any], depth: int = 0
    ) -> Table | None:
        """Run the query of a call with its parameters taken from inputs, columns and literals."""
        if depth > MAX_DEPTH:
            raise DataServiceFault(DATABASE_ERROR, f"queries are nested more than {MAX_DEPTH} deep at {call.href!r}")
        values = {}
        for name, kind, reference in call.parameters:
            if kind == "value":
                values[name.lower()] = reference
                continue
            first, second = (columns, inputs) if kind == "column" else (inputs, columns)
            for place in (first, second, self.exports):
                if reference.lower() in place:
                    values[name.lower()] = place[reference.lower()]
                    break
        return self.query(self.service.queries[call.href], values, depth)

    def query(self, query: Query, inputs: dict[str, Any], depth: int) -> Table | None:
        """Run one query; None when it has no result."""
        bound = {parameter.name.lower(): bind(parameter, inputs) for parameter in query.parameters}
        sql, values = expand(query, bound)
        connection = self.connection(query.config)
        if query.generated_keys and connection.dialect.name == "postgresql":
            sql = f"{sql.rstrip().rstrip(';')} RETURNING {', '.join(query.key_columns) or '*'}"
        try:
            cursor = execute(connection, sql, values)
            if query.result is None:
                return None
            return self.table(query.result, rows_of(query, cursor), inputs, depth)
        except sql_errors() as error:
            raise DataServiceFault(DATABASE_ERROR, str(getattr(error, "orig", None) or error)) from error

    def table(self, result: Result, rows: list[dict[str, Any]], inputs: dict[str, Any], depth: int) -> Table:
        """Rows through the mapping."""
        table = Table(result)
        for row in rows[:1] if not result.row_name else rows:
            table.rows.append(self.row(result.fields, row, inputs, depth))
        return table

    def row(self, fields: tuple[Field, ...], row: dict[str, Any], inputs: dict[str, Any], depth: int) -> Row:
        """One row through the mapping; nested queries run here."""
        found: Row = []
        for described in fields:
            if described.call is not None:
                table = self.call(described.call, inputs, row, depth + 1)
                if table is not None:
                    found.append((described, table))
            elif described.fields:
                found.append((described, self.row(described.fields, row, inputs, depth)))
            elif (value := leaf(described, row, inputs)) is not _LEFT_OUT:
                found.append((described, value))
                if described.export:
                    self.exports[described.export.lower()] = text_value(value)
        return found


_LEFT_OUT = object()


def leaf(described: Field, row: dict[str, Any], inputs: dict[str, Any]) -> Any:
    """Value of a leaf: column and parameter are tried for each other. Raises DataServiceFault when neither is there."""
    if described.kind == "value":
        return described.reference
    name = described.reference.lower()
    first, second = (inputs, row) if described.kind == "query-param" else (row, inputs)
    for place in (first, second):
        if name in place:
            return place[name]
    if described.optional:
        return _LEFT_OUT
    raise DataServiceFault(
        INCOMPATIBLE_PARAMETERS,
        f"element {described.name!r}: the query gives no column {described.reference!r}; it gives {', '.join(row)}",
    )


def rows_of(query: Query, cursor: CursorResult[Any]) -> list[dict[str, Any]]:
    """Rows with lower-case column names, or the generated key or row count of an update."""
    if query.generated_keys and not cursor.returns_rows:
        key = getattr(cursor, "lastrowid", None)
        names = [field.reference.lower() for field in query.result.fields] if query.result else []
        return [dict.fromkeys(["generated_key", "id", *names], key)]
    if query.row_count and not cursor.returns_rows:
        return [{"1": cursor.rowcount}]
    if not cursor.returns_rows:
        return []
    keys = [key.lower() for key in tuple(cursor.keys())]
    if query.result is not None and query.result.by_number:
        keys = [str(number) for number in range(1, len(keys) + 1)]
    fetched = cursor.fetchmany(query.max_rows) if query.max_rows else cursor.fetchall()
    return [dict(zip(keys, row, strict=True)) for row in fetched]


def bind(parameter: Parameter, inputs: Mapping[str, Any]) -> Any:
    """The typed value of a parameter. Raises DataServiceFault when it is missing or wrong."""
    name = parameter.name.lower()
    given = inputs.get(name)
    if name not in inputs or (given is None and parameter.force_default):
        if parameter.default is not None:
            given = special(parameter.default)
        elif not parameter.optional and name not in inputs:
            raise DataServiceFault(INCOMPATIBLE_PARAMETERS, f"parameter {parameter.name!r} is missing")
    if parameter.array:
        items = given if isinstance(given, list) else [] if given is None else str(given).split(",")
        return [convert(parameter, item) for item in items]
    return convert(parameter, given[0] if isinstance(given, list) and given else given)


def special(text: str) -> str | None:
    """Default values with a meaning of their own."""
    if text == "#{CURRENT_TIMESTAMP}":
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return None if text == "#{NULL}" else text


def convert(parameter: Parameter, value: Any) -> Any:
    """Validate and convert one value."""
    if value is None:
        return None
    text = text_value(value) or ""
    for check in parameter.validators:
        problem = check(parameter.name, text)
        if problem:
            raise DataServiceFault(VALIDATION_ERROR, f"Field Name: {parameter.name}\nField Value: {text}\n{problem}")
    maker = TYPES.get(parameter.sql_type)
    if maker is None:
        return text
    if text == "":
        return None
    try:
        return maker(text.strip())
    except (ValueError, InvalidOperation) as error:
        raise DataServiceFault(
            INCOMPATIBLE_PARAMETERS, f"parameter {parameter.name!r}: {text!r} is not a {parameter.sql_type}"
        ) from error


def expand(query: Query, bound: dict[str, Any]) -> tuple[str, list[Any]]:
    """SQL with one mark per value; array parameters get as many marks as they have items."""
    parts = query.sql.split("?")
    if len(parts) - 1 != len(query.order):
        return query.sql, [bound.get(name.lower()) for name in query.order]
    pieces, values = [parts[0]], []
    for name, after in zip(query.order, parts[1:], strict=True):
        value = bound.get(name.lower())
        if isinstance(value, list):
            pieces.append(",".join("?" * len(value)) or "NULL")
            values += value
        else:
            pieces.append("?")
            values.append(value)
        pieces.append(after)
    return "".join(pieces), values
