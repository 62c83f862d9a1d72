"""`manage.py integrator`: one sentence when it cannot start, quick when it can, gone with all its processes when told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from integrator import alone
from tests.support.ports import free_offset
from tests.support.processes import ROOT, Process
from tests.support.wait import until

BASES = (alone.HTTP, alone.HTTPS, alone.MANAGEMENT)


def _environment(tmp_path: Path) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "REDIS_URL"} | {
        "APIM_VAR": str(tmp_path / "var"),
        "DATABASE_URL": "postgres://nobody@127.0.0.1:9/nothing",
    }


def _refused(tmp_path: Path, *options: str) -> str:
    command = (sys.executable, "manage.py", "integrator", *options)
    done = subprocess.run(command, cwd=ROOT, env=_environment(tmp_path), capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    return done.stderr


def _command(home: Path, offset: int) -> list[str]:
    return [sys.executable, "manage.py", "integrator", f"--home={home}", f"--port-offset={offset}", "--host=127.0.0.1"]


def test_a_missing_home_is_one_sentence(tmp_path: Path) -> None:
    assert _refused(tmp_path, "--home", "/no/such/home") == "The home /no/such/home is not a folder.\n"


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    offset = free_offset(*BASES)
    with socket.create_server(("127.0.0.1", alone.HTTPS + offset)):
        said = _refused(tmp_path, f"--home={tmp_path}", f"--port-offset={offset}", "--host=127.0.0.1")
    assert said == f"Port {alone.HTTPS + offset} is in use; choose another --port-offset.\n"


@pytest.mark.parametrize("offset", ["-1", "60000"])
def test_an_impossible_offset_is_one_sentence(tmp_path: Path, offset: str) -> None:
    assert _refused(tmp_path, f"--home={tmp_path}", f"--port-offset={offset}").startswith(
        "--port-offset must be from 0 to"
    )


def test_an_empty_home_runs_without_database_and_stops_with_everything(tmp_path: Path) -> None:
    home, offset = tmp_path / "home", free_offset(*BASES)
    home.mkdir()
    with Process(_command(home, offset), _environment(tmp_path), tmp_path / "log") as process:
        until(lambda: _status(offset), seconds=180, what="the integrator answers")
        assert not list((tmp_path / "var").glob("*.sqlite3"))
        process.signal(signal.SIGTERM)
        process.popen.wait(60)
        with pytest.raises(ProcessLookupError):
            os.killpg(process.popen.pid, 0)
    assert _status(offset) is None


def _status(offset: int) -> int | None:
    try:
        return requests.get(f"http://127.0.0.1:{alone.HTTP + offset}/", timeout=5).status_code
    except requests.RequestException:
        return None
