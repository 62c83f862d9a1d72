"""What is looked at before anything starts, so that a machine that cannot run the platform is told why in one sentence."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from apim.up.trouble import Trouble

LEAST_FREE = 200 * 1024 * 1024
"""Bytes of free disk below which a start is refused."""


def writable(folder: Path) -> None:
    """Make `folder` and try it. Raises Trouble when it cannot be written or the disk is full."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        raise Trouble(f"{folder} cannot be written ({error.strerror}); choose another folder with --var.") from error
    if free < LEAST_FREE:
        raise Trouble(f"Only {free // 2**20} MB are free on the disk of {folder}; {LEAST_FREE // 2**20} MB are needed.")


def lock(folder: Path) -> TextIO:
    """Hold `folder` for this process as long as the returned file is open. Raises Trouble when another one does."""
    path = folder / "up.lock"
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise Trouble(
            f"The platform already runs on {folder} (process {holder}); stop it, or choose another --var."
        ) from error
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file


def ports_free(ports: Iterable[tuple[int, str]]) -> None:
    """Try every (port, what for). Raises Trouble that names the first one in use."""
    for port, purpose in ports:
        if port > 65535:
            raise Trouble(f"Port {port} ({purpose}) does not exist: the port offset is too large.")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))  # noqa: S104 - the address the servers will bind
            except OSError as error:
                raise Trouble(
                    f"Port {port} ({purpose}) cannot be used ({error.strerror}); "
                    "stop what uses it, or move all ports with --port-offset."
                ) from error


def reachable(url: str, purpose: str, default_port: int) -> None:
    """Open a TCP connection to the server in `url`. Raises Trouble when that fails; says nothing of the password."""
    parts = urlsplit(url)
    if parts.scheme.startswith("sqlite") or not parts.hostname or parts.hostname.lower().startswith("%2f"):
        return
    try:
        socket.create_connection((parts.hostname, parts.port or default_port), timeout=5).close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        where = f"{parts.hostname}:{parts.port or default_port}" if isinstance(error, OSError) else parts.hostname
        raise Trouble(f"The {purpose} at {where} cannot be reached ({reason}).") from error
