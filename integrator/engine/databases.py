"""Relational databases behind JDBC URLs, through SQLAlchemy: one pool per (URL, user), used from worker threads only."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|\?|%")
_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "sqlite": "sqlite",
}
_DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}
_NETWORK = re.compile(r"//(?P<host>\[[^\]]+\]|[^:/?]*)(?::(?P<port>\d+))?(?:/(?P<name>[^?;]*))?(?:\?(?P<query>.*))?\Z")


class DatabaseUrlError(ValueError):
    """The JDBC URL cannot be mapped."""


def library() -> Any:
    """SQLAlchemy, loaded when SQL is first needed: it takes as long to load as everything else of the engine."""
    import sqlalchemy  # noqa: PLC0415

    return sqlalchemy


def sql_errors() -> type[Exception]:
    """What SQLAlchemy raises; for `except`."""
    return library().exc.SQLAlchemyError  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Source:
    """Where a database is and who asks. `wait_s`: longest wait for a free connection; `isolation` in SQL's words."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    pool_size: int = 10
    wait_s: float = 30.0
    isolation: str = ""

    def sqlalchemy_url(self) -> URL:
        """The same database in SQLAlchemy's words. Raises DatabaseUrlError."""
        return library().engine.URL.create(**self.parts())  # type: ignore[no-any-return]

    def parts(self) -> dict[str, Any]:
        """Driver, host and so on of the JDBC URL. Raises DatabaseUrlError."""
        kind, _, rest = self.url.removeprefix("jdbc:").partition(":")
        if kind not in _DRIVERS:
            raise DatabaseUrlError(f"JDBC URL {self.url!r}: allowed are jdbc:{', jdbc:'.join(sorted(_DRIVERS))}")
        if kind == "sqlite":
            return {"drivername": "sqlite", "database": rest.removeprefix("//") or ":memory:"}
        found = _NETWORK.match(rest)
        if not found:
            raise DatabaseUrlError(f"JDBC URL {self.url!r}: expected jdbc:{kind}://host:port/database")
        given = dict(part.partition("=")[::2] for part in re.split("[&;]", found["query"] or "") if part)
        return {
            "drivername": _DRIVERS[kind],
            "username": self.username or given.get("user") or None,
            "password": self.password or given.get("password") or None,
            "host": unquote(found["host"]) or "localhost",
            "port": int(found["port"] or _DEFAULT_PORTS[kind]),
            "database": found["name"] or None,
        }


class Pools:
    """Connection pools, made when first used."""

    def __init__(self) -> None:
        self._engines: dict[Source, Engine] = {}
        self._lock = threading.Lock()

    def engine(self, source: Source) -> Engine:
        """The pool of a database. Raises DatabaseUrlError."""
        with self._lock:
            found = self._engines.get(source)
            if found is None:
                found = self._engines[source] = _create(source)
            return found

    def close(self) -> None:
        """Close all pools."""
        with self._lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()


def _create(source: Source) -> Engine:
    url, sqlalchemy = source.sqlalchemy_url(), library()
    if url.drivername == "sqlite":
        engine: Engine = sqlalchemy.create_engine(url, connect_args={"timeout": 15, "check_same_thread": False})
        sqlalchemy.event.listen(engine, "connect", _sqlite_settings)
        return engine
    pooled: Engine = sqlalchemy.create_engine(
        url,
        pool_size=source.pool_size,
        max_overflow=0,
        pool_timeout=source.wait_s,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10},
        **({"isolation_level": source.isolation} if source.isolation else {}),
    )
    return pooled


def _sqlite_settings(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")


def driver_sql(sql: str, connection: Connection) -> str:
    """SQL with `?` marks in the driver's parameter style; text in quotes stays as it is."""
    if connection.dialect.paramstyle == "qmark":
        return sql
    return _QUOTED.sub(lambda found: "%s" if found.group() == "?" else found.group().replace("%", "%%"), sql)


def execute(connection: Connection, sql: str, values: Sequence[Any]) -> Any:
    """Run one statement with positional values."""
    return connection.exec_driver_sql(driver_sql(sql, connection), tuple(values))
