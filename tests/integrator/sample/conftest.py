"""A stand-alone integrator with the sample, as `manage.py integrator` starts it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from integrator.sample.install import install_sample
from tests.support.ports import free_offset
from tests.support.processes import Process
from tests.support.wait import until


@dataclass
class Running:
    """Where it is and how to talk to it."""

    home: Path
    url: str
    process: Process

    def get(self, path: str) -> requests.Response:
        """GET, with a time limit."""
        return requests.get(self.url + path, timeout=20)

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        """POST of JSON, with a time limit."""
        return requests.post(self.url + path, json=body, timeout=20, **options)


@contextmanager
def running_sample(folder: Path, **environment: str) -> Iterator[Running]:
    """The sample in a fresh home below `folder`."""
    home = folder / "home"
    install_sample(home)
    offset = free_offset(8290, 8253, 9164)
    command = [
        sys.executable,
        "manage.py",
        "integrator",
        f"--home={home}",
        f"--port-offset={offset}",
        "--host=127.0.0.1",
    ]
    clean = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "APIM_VAR")}
    with Process(command, clean | environment, folder / "integrator.log") as process:
        running = Running(home, f"http://127.0.0.1:{8290 + offset}", process)
        until(lambda: _answers(running), seconds=30, what="the integrator answers")
        yield running


def _answers(running: Running) -> bool:
    assert running.process.running, running.process.log
    try:
        return running.get("/orders/health").ok
    except requests.RequestException:
        return False


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One integrator for all tests that do not break it."""
    with running_sample(tmp_path_factory.mktemp("sample")) as running:
        yield running
