"""`manage.py integrator`: the integrator on its own, without Django, database or Redis, ready in well under two seconds.

The process becomes gunicorn, so that signals reach it directly and nothing is left between.
"""

from __future__ import annotations

import argparse
import errno
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HTTP, HTTPS, MANAGEMENT = 8290, 8253, 9164
LARGEST_OFFSET = 65535 - MANAGEMENT
GRACE_SECONDS = 8
"""How long requests in flight may take after SIGTERM; the whole stop stays below ten seconds."""


class CannotStart(Exception):
    """A reason, in one sentence, why the integrator cannot run."""


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    made = argparse.ArgumentParser(
        "manage.py integrator",
        description="Run the integrator alone, in the foreground, or `test FILE...`: unit tests of artifacts.",
    )
    made.add_argument("--home", required=True, type=Path, help="folder with conf/ and repository/deployment/server/")
    made.add_argument("--port-offset", type=int, default=0, help=f"added to the ports {HTTP}, {HTTPS} and {MANAGEMENT}")
    made.add_argument("--host", default="0.0.0.0", help="address to listen on (all)")  # noqa: S104 - a server
    return made


def main(arguments: Sequence[str]) -> int:
    """Check, then become gunicorn; `test` runs unit tests of artifacts instead. Returns an exit code when it does not serve."""
    if arguments[:1] == ["test"]:
        from integrator.unittests.command import main as run_tests  # noqa: PLC0415 - who serves must not load it

        return run_tests(arguments[1:])
    options = parser().parse_args(arguments)
    try:
        home, ports = checked_home(options.home), checked_ports(options.host, options.port_offset)
    except CannotStart as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    os.execve(sys.executable, command(options.host, ports), environment(home, options.port_offset))  # noqa: S606
    return 0  # only type checkers get here


def checked_home(home: Path) -> Path:
    """The home as an absolute path. Raises CannotStart."""
    if not home.is_dir():
        raise CannotStart(f"The home {home} is not a folder.")
    return home.resolve()


def checked_ports(host: str, offset: int) -> tuple[int, ...]:
    """The ports to listen on, all free. Raises CannotStart naming the one that is not."""
    if not 0 <= offset <= LARGEST_OFFSET:
        raise CannotStart(f"--port-offset must be from 0 to {LARGEST_OFFSET}, not {offset}.")
    ports = tuple(base + offset for base in (HTTP, HTTPS, MANAGEMENT))
    for port in ports:
        _check_port(host, port)
    return ports


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CannotStart(f"Port {port} is in use; choose another --port-offset.") from error
            raise CannotStart(f"Port {port} of {host} cannot be used: {error.strerror}.") from error


def command(host: str, ports: Sequence[int]) -> list[str]:
    """The gunicorn command line."""
    shown = f"[{host}]" if ":" in host else host
    binds = [f"--bind={shown}:{port}" for port in ports]
    return [
        *(sys.executable, "-m", "gunicorn", "--worker-class=wire.worker.Worker", "--no-control-socket", "--workers=1"),
        *(f"--graceful-timeout={GRACE_SECONDS}", "--log-level=warning", *binds, "integrator.app:service()"),
    ]


def environment(home: Path, offset: int) -> dict[str, str]:
    """What the integrator is told: its home and ports; `{MI_PORT}` and the like follow from them."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return os.environ | {
        "APIM_VAR": os.environ.get("APIM_VAR") or str(home / "var"),
        "INTEGRATOR_HOME": str(home),
        "INTEGRATOR_SCHEDULER": "local",
        "APIM_PORT_OFFSET": str(offset),
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
    }
