"""db: statements on relational databases, by a named data source or an address of their own."""

from __future__ import annotations

import base64
import datetime
import decimal
import re
from collections.abc import Callable, Mapping
from typing import Any

from integrator.engine.connectors.calls import Call, ConnectorError
from integrator.engine.connectors.declare import Connector, Parameter
from integrator.engine.databases import DatabaseUrlError, Source, execute, library

CONNECTION, INPUT, FAILED, SYNTAX = 701101, 701102, 701104, 701111

CONNECTOR = Connector(
    "db",
    "Statements on relational databases.",
    (
        Parameter("dataSource", "Name of a data source of the server (ours); then nothing else is needed."),
        Parameter("dbUrl", "JDBC URL."),
        Parameter("dbUser", "User."),
        Parameter("dbPassword", "Password.", secret=True),
        Parameter("maxActiveConnections", "Connections of the pool.", "integer", default=10),
        *(
            Parameter(name, "Taken and ignored: the driver follows from the URL, the pool is ours.")
            for name in (
                "driverClass", "driverPath", "maxIdleConnections", "minIdleConnections", "poolConnectionAgedTimeout",
                "maxWaitTime", "evictionCheckInterval", "minEvictionTime", "exhaustedAction",
            )
        ),
    ),
    error_code=CONNECTION,
)  # fmt: skip

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?\Z")
STATEMENT = (
    Parameter("query", "SQL; `?` marks take `parameters` in order."),
    Parameter("preparedStmt", "The same; given instead of `query`."),
    Parameter("parameters", "Values of the marks: a JSON array.", "json"),
    Parameter("queryTimeout", "Taken and ignored: [connectors] timeout_seconds bounds a call."),
)
TABLE = Parameter("table", "Table, when no SQL is given.")
WHERE = Parameter("filter", "Columns and the values they must have, a JSON object (ours).", "json")
ROWS = Parameter("maxRows", "Rows of the answer at most.", "integer")


@CONNECTOR.operation(
    "select",
    *STATEMENT,
    TABLE,
    WHERE,
    ROWS,
    Parameter("responseColumns", "Columns of the answer, parted by commas.", default="*"),
    Parameter("orderBy", "Columns to sort by, parted by commas, each with ASC or DESC behind it."),
    Parameter("limit", "Rows at most.", "integer"),
    Parameter("offset", "Rows to leave out.", "integer"),
    Parameter("fetchSize", "Taken and ignored."),
)
async def select(call: Call) -> Any:
    """Rows, as a JSON array of objects."""
    return await _run(call, _select, rows=True)


@CONNECTOR.operation(
    "insert", *STATEMENT, TABLE, Parameter("columns", "Columns and their values, a JSON object.", "json")
)
async def insert(call: Call) -> Any:
    """Add a row."""
    return await _run(call, _insert)


@CONNECTOR.operation(
    "update", *STATEMENT, TABLE, WHERE, Parameter("columns", "Columns and their values, a JSON object.", "json")
)
async def update(call: Call) -> Any:
    """Change rows; without SQL a filter is required."""
    return await _run(call, _update)


@CONNECTOR.operation("delete", *STATEMENT, TABLE, WHERE)
async def delete(call: Call) -> Any:
    """Delete rows; without SQL a filter is required."""
    return await _run(call, _delete)


@CONNECTOR.operation(
    "executeQuery",
    *STATEMENT,
    ROWS,
    Parameter("isResultSet", "Whether rows are the answer; by the statement without it.", "boolean"),
    Parameter("isPreparedStatement", "Taken and ignored: marks are always bound.", "boolean"),
    Parameter("fetchSize", "Taken and ignored."),
)
async def execute_query(call: Call) -> Any:
    """Any statement."""
    return await _run(call, None, rows=call["isResultSet"])


@CONNECTOR.operation("call", *STATEMENT, ROWS)
async def procedure(call: Call) -> Any:
    """A stored procedure, as SQL with `?` marks."""
    return await _run(call, None)


Build = Callable[[Mapping[str, Any], Callable[[str], str]], tuple[str, list[Any]]]


async def _run(call: Call, build: Build | None, rows: bool | None = None) -> Any:
    sql, values = call.values.get("query") or call.values.get("preparedStmt"), call.values.get("parameters") or []
    if not sql and (build is None or not call.values.get("table")):
        raise ConnectorError(INPUT, "DB:INVALID_INPUT", "query, preparedStmt or table is required")
    if not isinstance(values, list):
        raise ConnectorError(INPUT, "DB:INVALID_INPUT", "parameters: a JSON array is expected")
    source = _source(call)
    most = min(call.values.get("maxRows") or call.limits.most, call.limits.most)

    def run() -> Any:
        errors = library().exc
        engine = call.runtime.pools.engine(source)
        try:
            with engine.begin() as connection:
                quote = connection.dialect.identifier_preparer.quote
                if sql or build is None:
                    made, given = sql, values
                else:
                    made, given = build(call.values, lambda name: _name(name, quote))
                found = execute(connection, str(made), given)
                if rows is False or not found.returns_rows:
                    return {"success": True, "rowsAffected": found.rowcount}
                return [_row(row) for row in found.mappings().fetchmany(most)]
        except errors.TimeoutError as error:
            raise ConnectorError(701106, "DB:CONNECTION_TIMEOUT", "no connection of the pool is free") from error
        except errors.DBAPIError as error:
            kind = (
                (SYNTAX, "DB:SQL_SYNTAX_ERROR")
                if isinstance(error, errors.ProgrammingError)
                else (FAILED, "DB:QUERY_EXECUTION_FAILURE")
            )
            raise ConnectorError(*kind, str(error.orig)) from error

    return await call.blocking(run)


def _source(call: Call) -> Source:
    given = call.connection
    if given["dataSource"]:
        found = call.message.deployment.data_source(given["dataSource"])
        if found is None:
            raise ConnectorError(
                CONNECTION, "DB:CONNECTIVITY", f"data source {given['dataSource']!r} is not configured"
            )
        return found
    source = Source(
        given["dbUrl"] or "", given["dbUser"] or "", given["dbPassword"] or "", given["maxActiveConnections"]
    )
    try:
        host = source.parts().get("host")
    except DatabaseUrlError as error:
        raise ConnectorError(CONNECTION, "DB:CONNECTIVITY", str(error)) from error
    if host:
        call.limits.host(host)
    return source


def _name(name: str, quote: Callable[[str], str]) -> str:
    if not _IDENTIFIER.match(name):
        raise ConnectorError(INPUT, "DB:INVALID_INPUT", f"{name!r} is no name of a table or column")
    return ".".join(quote(part) for part in name.split("."))


def _object(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    if not isinstance(value, dict) or not value:
        raise ConnectorError(INPUT, "DB:INVALID_INPUT", f"{name}: a JSON object with at least one column is required")
    return value


def _where(given: Mapping[str, Any], name: Callable[[str], str]) -> tuple[str, list[Any]]:
    pairs = _object(given, "filter")
    parts = [f"{name(column)} IS NULL" if value is None else f"{name(column)} = ?" for column, value in pairs.items()]
    return " WHERE " + " AND ".join(parts), [value for value in pairs.values() if value is not None]


def _select(given: Mapping[str, Any], name: Callable[[str], str]) -> tuple[str, list[Any]]:
    columns = [word.strip() for word in given["responseColumns"].split(",") if word.strip()]
    shown = "*" if columns == ["*"] else ", ".join(name(column) for column in columns)
    where, values = _where(given, name) if given["filter"] else ("", [])
    order = ""
    if given["orderBy"]:
        order = " ORDER BY " + ", ".join(_sorted_by(word.split(), name) for word in given["orderBy"].split(","))
    limit = f" LIMIT {int(given['limit'])}" if given["limit"] is not None else ""
    offset = f" OFFSET {int(given['offset'])}" if given["offset"] is not None and limit else ""
    return f"SELECT {shown} FROM {name(given['table'])}{where}{order}{limit}{offset}", values  # noqa: S608  (names are checked and quoted, values are bound)


def _sorted_by(words: list[str], name: Callable[[str], str]) -> str:
    if len(words) not in (1, 2) or (len(words) == 2 and words[1].upper() not in ("ASC", "DESC")):
        raise ConnectorError(INPUT, "DB:INVALID_INPUT", f"orderBy {' '.join(words)!r}: a column, then ASC or DESC")
    return " ".join([name(words[0]), *(word.upper() for word in words[1:])])


def _insert(given: Mapping[str, Any], name: Callable[[str], str]) -> tuple[str, list[Any]]:
    columns = _object(given, "columns")
    marks = ", ".join("?" * len(columns))
    names = ", ".join(name(column) for column in columns)
    return f"INSERT INTO {name(given['table'])} ({names}) VALUES ({marks})", list(columns.values())  # noqa: S608


def _update(given: Mapping[str, Any], name: Callable[[str], str]) -> tuple[str, list[Any]]:
    columns = _object(given, "columns")
    where, values = _where(given, name)
    pairs = ", ".join(f"{name(column)} = ?" for column in columns)
    return f"UPDATE {name(given['table'])} SET {pairs}{where}", [*columns.values(), *values]  # noqa: S608


def _delete(given: Mapping[str, Any], name: Callable[[str], str]) -> tuple[str, list[Any]]:
    where, values = _where(given, name)
    return f"DELETE FROM {name(given['table'])}{where}", values  # noqa: S608


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return value if isinstance(value, str | int | float | bool | dict | list | None) else str(value)
