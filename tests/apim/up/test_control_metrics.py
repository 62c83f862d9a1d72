"""Several control plane workers share their metrics: the folder is named and emptied before anything counts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = "import os, apim.up.control; print(os.environ.get('PROMETHEUS_MULTIPROC_DIR', ''))"


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_share_a_folder_that_begins_empty(tmp_path: Path, workers: int) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "counter_1.db").write_bytes(b"of the run before")
    (tmp_path / "secrets").mkdir()
    given = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    given |= {"APIM_VAR": str(tmp_path), "APIM_CONTROL_WORKERS": str(workers)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=given, capture_output=True, text=True, check=True, timeout=180
    )
    assert done.stdout.strip() == ("" if workers == 1 else str(folder))
    assert bool(list(folder.glob("*.db"))) == (workers == 1)
