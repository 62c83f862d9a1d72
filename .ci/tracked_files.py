"""Refuses tracked files that do not belong into a repository: secrets, state, and anything large."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

LARGEST = 1024 * 1024
STATE = re.compile(r"\.(sqlite3|pem|key|crt|p12|jks|log|pyc)$|^var/")
SECRET = re.compile(
    rb"-----BEGIN (RSA |EC |OPENSSH |ENCRYPTED )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}"
    rb"|\bAKIA[0-9A-Z]{16}\b|\bghp_[A-Za-z0-9]{36}\b|\bxox[abp]-[A-Za-z0-9-]{20,}"
)


def problems(path: Path) -> list[str]:
    """What is wrong with one tracked file."""
    if not path.is_file():
        return []
    found = []
    if path.stat().st_size > LARGEST:
        found.append(f"{path}: {path.stat().st_size // 1024} KB, at most {LARGEST // 1024} are kept")
    if STATE.search(str(path)) and "tests" not in path.parts:
        found.append(f"{path}: state or key material is never tracked")
    if SECRET.search(path.read_bytes()):
        found.append(f"{path}: holds a secret")
    return found


def main() -> int:
    """Exit code 1 and one line for each problem."""
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    found = [line for name in listed.split("\0") if name for line in problems(Path(name))]
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
