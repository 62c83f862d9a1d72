"""Start, stop and second start of the whole platform."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from apim.config import ROOT
from tests.e2e.platform import Platform, clean_environment, running_platform

pytestmark = pytest.mark.e2e


def test_a_second_start_on_the_same_state_is_refused(platform: Platform) -> None:
    words = [sys.executable, "manage.py", "up", "--var", str(platform.var), "--port-offset", "1"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, env=clean_environment())
    assert done.returncode == 1
    assert f"already runs on {platform.var} (process {platform.process.pid})" in done.stderr


def test_a_port_in_use_is_said(platform: Platform, tmp_path: Path) -> None:
    words = [sys.executable, "manage.py", "up", "--var", str(tmp_path), "--port-offset", str(platform.offset)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, env=clean_environment())
    assert done.returncode == 1
    assert f"Port {platform.port(9443)} (control plane, https) cannot be used" in done.stderr


def test_an_unreachable_database_is_said(tmp_path: Path) -> None:
    words = [sys.executable, "manage.py", "up", "--var", str(tmp_path), "--port-offset", "21900"]
    words += ["--database", "postgres://apim:hunter2@127.0.0.1:1/apim"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, env=clean_environment())
    assert done.returncode == 1
    assert "The database at 127.0.0.1:1 cannot be reached" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_the_second_start_keeps_the_data_and_a_stop_leaves_nobody(tmp_path: Path) -> None:
    with running_platform(tmp_path / "var", "--no-sample") as first:
        family = first.process.children(recursive=True)
        assert first.rest("admin", "GET", "publisher/apis")["count"] == 0
        body = {"name": "Kept", "context": "/kept", "version": "1.0.0", "policies": ["Gold"]}
        first.rest("admin", "POST", "publisher/apis", json=body)
        assert first.stop() == 0
    assert not [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    with running_platform(tmp_path / "var", "--no-sample") as second:
        assert [api["name"] for api in second.rest("admin", "GET", "publisher/apis")["list"]] == ["Kept"]
        assert second.password("admin") in second.output()
