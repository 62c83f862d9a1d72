"""A pytest plugin, loaded before Django's settings are read: scratch state, a real Redis, SQLite or PostgreSQL.

Loaded by `-p tests.support.environment` in pyproject.toml. Each xdist worker has servers and folders of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.postgres_server import running_postgres
from tests.support.redis_server import running_redis

CHOICES = ("sqlite", "postgres")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which database the Django rooms are tested on."""
    parser.addoption("--database", choices=CHOICES, default="sqlite", help="database under the Django rooms")


def _chosen_database() -> str:
    for position, word in enumerate(sys.argv):
        if word == "--database":
            return sys.argv[position + 1]
        if word.startswith("--database="):
            return word.partition("=")[2]
    return os.environ.get("APIM_TEST_DATABASE", "sqlite")


def _prepare() -> None:
    scratch = Path(tempfile.mkdtemp(prefix="apim-tests-"))
    cleanup = ExitStack()
    atexit.register(cleanup.close)
    cleanup.callback(shutil.rmtree, scratch, ignore_errors=True)
    for folder in ("var", "redis"):
        (scratch / folder).mkdir()
    for name in [name for name in os.environ if name.startswith("APIM_") and name != "APIM_TEST_DATABASE"]:
        del os.environ[name]
    database = os.environ["APIM_TEST_DATABASE"] = _chosen_database()
    os.environ["APIM_VAR"] = str(scratch / "var")
    os.environ["APIM_CLUSTER_SECRET"] = "tests-only-cluster-secret"
    os.environ["REDIS_URL"] = cleanup.enter_context(running_redis(scratch / "redis"))
    os.environ.pop("DATABASE_URL", None)
    if database == "postgres" and not _controls_workers():
        os.environ["DATABASE_URL"] = cleanup.enter_context(running_postgres(scratch / "postgres"))


def _controls_workers() -> bool:
    """Whether this is the xdist process that only hands out tests."""
    asked = any(word == "-n" or word.startswith(("-n", "--numprocesses")) for word in sys.argv[1:])
    return asked and "PYTEST_XDIST_WORKER" not in os.environ


_prepare()
