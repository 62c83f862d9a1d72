"""Copies the order-processing sample into an integrator's home and makes its database. Safe to run again."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = HERE / "home"
HOME_MARK = b"@HOME@"
"""Stands in `conf/deployment.toml` for the absolute path of the home, inside quotes."""


def install_sample(home: Path) -> list[Path]:
    """Copy what is not there yet; a file that exists is never touched. Returns the files written.

    Raises OSError when the home cannot be written.
    """
    home = home.resolve()
    written = [target for source in sorted(FILES.rglob("*")) if source.is_file() and (target := _copy(source, home))]
    make_database(home / "data" / "orders.sqlite3")
    return written


def make_database(path: Path) -> None:
    """Create tables and first rows where they are missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=20)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript((HERE / "orders.sql").read_text())


def _copy(source: Path, home: Path) -> Path | None:
    """Copy one file all at once, so that a hot deployment never reads half of it; None when it is there already."""
    target = home / source.relative_to(FILES)
    if target.exists():
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    scratch.write_bytes(source.read_bytes().replace(HOME_MARK, json.dumps(str(home))[1:-1].encode()))
    try:
        os.link(scratch, target)
    except FileExistsError:
        return None
    finally:
        scratch.unlink()
    return target
