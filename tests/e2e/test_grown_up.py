"""The same command on PostgreSQL and a Redis of somebody else's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.platform import MARKS, running_platform
from tests.support.postgres_server import running_postgres
from tests.support.redis_server import running_redis

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]


def test_the_path_works_on_postgres_and_a_given_redis(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    with (
        running_postgres(tmp_path / "postgres") as database,
        running_redis(tmp_path / "redis") as redis,
        running_platform(tmp_path / "var", "--database", database, "--redis", redis) as platform,
    ):
        words = [" ".join(child.cmdline()) for child in platform.process.children()]
        assert not any(MARKS["redis"] in word for word in words)
        assert not (platform.var / "apim.sqlite3").exists()
        line = next(line for line in platform.output().splitlines() if line.startswith("curl "))
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30)
        assert '"status": "CONFIRMED"' in done.stdout, done
