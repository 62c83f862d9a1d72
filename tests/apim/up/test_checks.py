"""A machine that cannot run the platform is told why in one sentence."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from apim.config import ROOT
from apim.up import checks
from apim.up.trouble import Trouble
from tests.support.ports import free_port


def test_a_port_in_use_is_named_with_what_wants_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Trouble, match=rf"Port {port} \(gateway, https\).*--port-offset"):
            checks.ports_free([(free_port(), "control plane"), (port, "gateway, https")])


def test_an_offset_beyond_the_last_port_is_said() -> None:
    with pytest.raises(Trouble, match="Port 70000 .* does not exist"):
        checks.ports_free([(70000, "control plane")])


def test_a_folder_that_is_a_file_cannot_be_state(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(Trouble, match="cannot be written .*--var"):
        checks.writable(tmp_path / "var" / "deeper")


def test_a_full_disk_is_said_in_megabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LEAST_FREE", 2**60)
    with pytest.raises(Trouble, match=r"Only \d+ MB are free"):
        checks.writable(tmp_path)


def test_a_second_start_on_the_same_folder_names_the_first(tmp_path: Path) -> None:
    with checks.lock(tmp_path), pytest.raises(Trouble, match=r"already runs on .* \(process \d+\)"):
        checks.lock(tmp_path)
    checks.lock(tmp_path).close()


def test_an_unreachable_server_is_named_without_its_password() -> None:
    port = free_port()
    with pytest.raises(Trouble) as caught:
        checks.reachable(f"postgres://apim:hunter2@127.0.0.1:{port}/apim", "database", 5432)
    assert f"The database at 127.0.0.1:{port} cannot be reached" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_command_ends_with_code_1_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    words = [sys.executable, "manage.py", "up", "--var", str(tmp_path / "var")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be written" in done.stderr


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    words = [sys.executable, "manage.py", "up", "--var", str(tmp_path), "--port-offset", "99999"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "PORT_OFFSET" in done.stderr
    assert "55000" in done.stderr
