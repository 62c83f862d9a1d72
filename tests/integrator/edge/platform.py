"""Control-plane pieces of the integrator as real processes: migrated SQLite file, Redis, Celery worker, beat, integrator."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import redis
import requests

from tests.support.ports import free_offset
from tests.support.processes import ROOT, Process
from tests.support.redis_server import running_redis
from tests.support.wait import until

PREPARE = "import django; django.setup(); from integrator import beat; beat.schedule()"


class Platform:
    """Everything shares one folder; processes can be started, killed and started again."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.var = folder / "var"
        self.home = self.var / "integrator"
        self.home.mkdir(parents=True)
        self.offset = free_offset(8290, 8253, 9164)
        self.url = f"http://127.0.0.1:{8290 + self.offset}"
        self.redis = redis.Redis.from_url(redis_url)
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("APIM_", "INTEGRATOR_", "DATABASE"))
        }
        self.environment = clean | {
            "APIM_VAR": str(self.var),
            "APIM_PORT_OFFSET": str(self.offset),
            "REDIS_URL": redis_url,
            "DJANGO_SETTINGS_MODULE": "apim.settings",
            "INTEGRATOR_URL": self.url,
            "PYTHONPATH": str(ROOT),
            "SERVICE_CATALOG_HOST": "http://127.0.0.1:9",  # the sample asks for them, as the platform tells them
            "SERVICE_CATALOG_USERNAME": "nobody",
            "SERVICE_CATALOG_PASSWORD": "none",
        }
        self._folder = folder
        self._stack = ExitStack()

    def prepare(self) -> None:
        """Make the tables and the integrator's own chore."""
        self._run("manage.py", "migrate", "--verbosity=0", "--skip-checks")
        self._run("-c", PREPARE)

    def worker(self) -> Process:
        """A Celery worker for integrations."""
        options = ("--pool=threads", "--concurrency=4", "--queues=integration", "--without-mingle", "--without-gossip")
        return self._start("worker", "-m", "celery", "--app=apim", "worker", "--loglevel=INFO", *options)

    def beat(self) -> Process:
        """Celery beat on the schedule in the database."""
        return self._start("beat", "-m", "celery", "--app=apim", "beat", "--loglevel=INFO", "--pidfile=")

    def integrator(self) -> Process:
        """The integrator as the platform runs it: it leaves tasks and processors to Celery."""
        ports = (8290, 8253, 9164)
        binds = [f"--bind=127.0.0.1:{port + self.offset}" for port in ports]
        worker = ("-m", "gunicorn", "--worker-class=wire.worker.Worker", "--no-control-socket", "--workers=1")
        told = {"INTEGRATOR_SCHEDULER": "celery"}
        process = self._start("integrator", *worker, *binds, "integrator.app:service()", **told)
        until(self._answers, seconds=180, what="the integrator answers")
        return process

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the control plane's database."""
        with closing(sqlite3.connect(self.var / "apim.sqlite3", timeout=20)) as connection:
            return connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """End every process."""
        self._stack.close()
        self.redis.close()

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/orders/health", timeout=5).status_code < 500
        except requests.RequestException:
            return False

    def _start(self, name: str, *words: str, **told: str) -> Process:
        process = Process((sys.executable, *words), self.environment | told, self._folder / f"{name}.log")
        return self._stack.enter_context(process)

    def _run(self, *words: str) -> None:
        done = subprocess.run(
            (sys.executable, *words), cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=280
        )
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def platform(folder: Path, install: Callable[[Path], object] | None = None) -> Iterator[Platform]:
    """A prepared platform without processes; `install` fills the home first."""
    (folder / "redis").mkdir()
    with running_redis(folder / "redis") as redis_url:
        made = Platform(folder, redis_url)
        try:
            if install is not None:
                install(made.home)
            made.prepare()
            yield made
        finally:
            made.close()
