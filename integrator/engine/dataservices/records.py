"""Immutable records of a data service (reference 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from integrator.engine.databases import Source

Validator = Callable[[str, str], str | None]
"""(name, value) -> what is wrong, or None."""


@dataclass(frozen=True)
class Config:
    """Where the data is: a database of its own, or a data source of the server by name."""

    id: str
    database: Source | None
    data_source: str = ""


@dataclass(frozen=True)
class Parameter:
    """An input of a query."""

    name: str
    sql_type: str = "STRING"
    array: bool = False
    default: str | None = None
    optional: bool = False
    force_default: bool = False
    validators: tuple[Validator, ...] = ()


@dataclass(frozen=True)
class CallQuery:
    """A query with where its parameters come from: (parameter, kind, name) with kind query-param, column or value."""

    href: str
    parameters: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Field:
    """One output: a leaf from a column, parameter or literal, a group of fields, or a nested query."""

    name: str
    kind: str = "column"
    reference: str = ""
    xsd_type: str = "string"
    attribute: bool = False
    optional: bool = False
    fields: tuple[Field, ...] = ()
    call: CallQuery | None = None
    export: str = ""


@dataclass(frozen=True)
class Result:
    """How rows are written. An empty row name puts a single row's fields directly into the wrapper."""

    element: str
    row_name: str
    fields: tuple[Field, ...]
    namespace: str = ""
    by_number: bool = False


@dataclass(frozen=True)
class Query:
    """SQL with `?` marks and the parameter of each mark in order."""

    id: str
    config: str
    sql: str
    order: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    result: Result | None
    generated_keys: bool = False
    key_columns: tuple[str, ...] = ()
    row_count: bool = False
    timeout_s: int = 0
    max_rows: int = 0


@dataclass(frozen=True)
class Operation:
    """A named entry. `method` and `path` are set for resources."""

    name: str
    call: CallQuery
    request_status: bool = False
    method: str = ""
    path: str = ""
    description: str = ""
