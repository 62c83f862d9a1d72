"""dblookup and dbreport: SQL from mediation (reference 3.4)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from integrator.engine.databases import DatabaseUrlError, Pools, Source, execute, sql_errors
from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.mediators.database_pool import Pool, read_pool
from integrator.engine.message import Message
from integrator.engine.transactions import Transaction, active
from integrator.engine.xmltools import child, children, local, text_of

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

TYPES: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("CHAR", "VARCHAR", "LONGVARCHAR"), str),
    **dict.fromkeys(("NUMERIC", "DECIMAL"), Decimal),
    "BIT": lambda text: text.strip().lower() in ("1", "true"),
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT"), int),
    **dict.fromkeys(("REAL", "FLOAT", "DOUBLE"), float),
    "DATE": date.fromisoformat,
    "TIME": str,
    "TIMESTAMP": datetime.fromisoformat,
}


@dataclass(frozen=True)
class Parameter:
    """One bound value."""

    value: Expression
    type: str

    def bind(self, message: Message) -> Any:
        """The value as its type; empty is NULL. Raises Fault naming value and type."""
        text = self.value.string(message)
        if text is None or text == "":
            return None
        try:
            return TYPES[self.type](text)
        except (ValueError, ArithmeticError) as error:
            raise Fault(0, f"SQL parameter {text!r} is not a {self.type}") from error


@dataclass(frozen=True)
class Statement:
    """SQL, its parameters, and which columns become properties."""

    sql: str
    parameters: tuple[Parameter, ...]
    results: tuple[tuple[str, str], ...]


Bound = tuple[Statement, list[Any]]


@dataclass(frozen=True, kw_only=True)
class Database(Mediator):
    """What dblookup and dbreport share."""

    pool: Pool
    statements: tuple[Statement, ...]
    joins: bool

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("connection", "statement", "description"))
        connection = child(element, "connection")
        pool = child(connection, "pool") if connection is not None else None
        if pool is None:
            raise reader.fail(element, "child <connection> with <pool> is required")
        statements = tuple(read_statement(item, reader) for item in children(element) if local(item) == "statement")
        if not statements:
            raise reader.fail(element, "at least one child <statement> is required")
        return cls(
            **cls.common(element, reader),
            pool=read_pool(pool, reader),
            statements=statements,
            joins=cls.tag == "dblookup" or reader.flag(element, "useTransaction"),
        )

    def compile(self) -> Step:
        """A step that runs the statements on a worker thread, inside the flow's transaction when it joins one."""

        async def step(message: Message) -> None:
            bound = [
                (statement, [parameter.bind(message) for parameter in statement.parameters])
                for statement in self.statements
            ]
            runtime, source = message.deployment.runtime, self.pool.of(message)
            transaction = active(message) if self.joins else None
            found = await runtime.run(self.work, transaction or runtime.pools, source, bound)
            message.properties.update(found)

        return step

    def work(self, place: Transaction | Pools, source: Source, bound: list[Bound]) -> dict[str, Any]:
        """Run the statements; the properties to set. Raises Fault for an SQL error.

        Outside a transaction each statement is committed by itself; with autocommit off all are together.
        """
        found: dict[str, Any] = {}
        try:
            if isinstance(place, Transaction):
                with place.using() as connection_of:
                    for statement, values in bound:
                        found |= self.one(connection_of(source), statement, values)
                return found
            engine = place.engine(source)
            for group in [[item] for item in bound] if self.pool.autocommit else [bound]:
                with engine.begin() as connection:
                    for statement, values in group:
                        found |= self.one(connection, statement, values)
        except (sql_errors(), DatabaseUrlError) as error:
            raise Fault(0, f"{self.tag}: {getattr(error, 'orig', None) or error}") from error
        return found

    @abstractmethod
    def one(self, connection: Connection, statement: Statement, values: list[Any]) -> dict[str, Any]:
        """Run one statement."""


@register("dblookup")
@dataclass(frozen=True, kw_only=True)
class DbLookup(Database):
    """Query; columns of the first row become properties."""

    def one(self, connection: Connection, statement: Statement, values: list[Any]) -> dict[str, Any]:
        """Non-null columns of the first row, as text."""
        row = execute(connection, statement.sql, values).mappings().first()
        if row is None:
            return {}
        columns = {key.lower(): value for key, value in row.items()}
        ordered = list(row.values())
        found = {}
        for name, column in statement.results:
            value = ordered[int(column) - 1] if column.isdigit() else columns.get(column.lower())
            if value is not None:
                found[name] = str(value)
        return found


@register("dbreport")
@dataclass(frozen=True, kw_only=True)
class DbReport(Database):
    """Update; the number of rows goes to a property."""

    def one(self, connection: Connection, statement: Statement, values: list[Any]) -> dict[str, Any]:
        """Number of changed rows."""
        return {"DBREPORT_MODIFIED_RAW_COUNT": execute(connection, statement.sql, values).rowcount}


def read_statement(element: Element, reader: Reader) -> Statement:
    """One statement element."""
    sql = text_of(child(element, "sql"))
    if not sql:
        raise reader.fail(element, "child <sql> is required")
    parameters, results = [], []
    for item in children(element):
        if local(item) == "parameter":
            value = reader.value_or_expression(item)
            assert value is not None
            parameters.append(Parameter(value, reader.choice(item, "type", tuple(TYPES), "VARCHAR")))
        elif local(item) == "result":
            results.append((reader.required(item, "name"), reader.required(item, "column")))
    return Statement(sql, tuple(parameters), tuple(results))
