"""`manage.py gateway` and `python -m gateway`: the gateway on its own, without control plane, Django, database or Redis.

The files are checked first. Then gunicorn runs in this process, so that signals reach it directly and nothing is left between.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gunicorn import __main__ as entry
from gunicorn.app.wsgiapp import run as gunicorn

from gateway import app
from gateway.compile import Compiler
from gateway.services import Services
from gateway.settings import ROOT, Settings
from gateway.standalone.follow import build_of
from gateway.standalone.loading import Loaded, load
from gateway.state import State

HTTP, HTTPS = 8280, 8243
LARGEST_OFFSET = 65535 - HTTP
GRACE_SECONDS = 8


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    made = argparse.ArgumentParser("manage.py gateway", description="Run the gateway alone, in the foreground.")
    made.add_argument(
        "--standalone",
        required=True,
        type=Path,
        metavar="PATH",
        help="gateway.yaml, or a folder with it and API projects",
    )
    made.add_argument(
        "--check", action="store_true", help="only say what is wrong with the files; exit code 1 if anything is"
    )
    made.add_argument(
        "--environment", default="Default", help="gateway environment whose API projects are served (Default)"
    )
    made.add_argument("--port-offset", type=int, default=0, help=f"added to the ports {HTTP} and {HTTPS}")
    made.add_argument("--host", default="0.0.0.0", help="address to listen on (all)")  # noqa: S104 - a server
    made.add_argument(
        "--workers", type=int, default=1, help="worker processes; several share limits only through REDIS_URL (1)"
    )
    return made


def main(arguments: Sequence[str]) -> int:
    """Check, then run gunicorn. Returns an exit code for `--check`, and when the gateway cannot start."""
    options = parser().parse_args(arguments)
    if not 0 <= options.port_offset <= LARGEST_OFFSET or options.workers < 1:
        sys.stderr.write(f"--port-offset must be from 0 to {LARGEST_OFFSET}, and --workers from 1 on.\n")
        return 2
    path = options.standalone.resolve()
    told = environment(path, options.environment, options.port_offset)
    os.environ.update(told)
    settings = Settings()
    loaded = asyncio.run(checked(settings, path))
    for mistake in loaded.mistakes:
        sys.stderr.write(f"{mistake}\n")
    if loaded.mistakes:
        return 1
    if options.check:
        sys.stdout.write(f"{sum(kind == 'api' for kind, _, _ in loaded.records)} APIs, no mistakes\n")
        return 0
    # In this very process: what was imported for the check need not be imported again, which is most of the start.
    sys.argv = command(options.host, settings, options.workers)
    gunicorn(prog="gunicorn")
    return 0


async def checked(settings: Settings, path: Path) -> Loaded:
    """The files, with everything that is wrong with them, also what is found only when chains are made of them."""
    loaded = load(path, settings.environment)
    if not loaded.mistakes:
        services = Services(settings)
        await build_of(loaded, State(), Compiler(services))
        await services.close()
    return loaded


def command(host: str, settings: Settings, workers: int) -> list[str]:
    """The gunicorn command line. TLS is listened for when there is a certificate."""
    shown = f"[{host}]" if ":" in host else host
    ports = [settings.port(HTTP)]
    if settings.certificate.is_file() and settings.private_key.is_file():
        ports.append(settings.tls_port)
    return [
        *(str(entry.__file__), "--worker-class=wire.worker.Worker", "--no-control-socket", f"--workers={workers}"),
        *(f"--graceful-timeout={GRACE_SECONDS}", "--log-level=warning", *(f"--bind={shown}:{port}" for port in ports)),
        f"{app.__name__}:service()",
    ]


def environment(path: Path, name: str, offset: int) -> dict[str, str]:
    """What the gateway is told. Its state folder, used for certificates only, is beside the files unless APIM_VAR names one."""
    folder = path if path.is_dir() else path.parent
    return {
        "APIM_VAR": os.environ.get("APIM_VAR") or str(folder / "var"),
        "APIM_PORT_OFFSET": str(offset),
        "GATEWAY_ENVIRONMENT": name,
        "GATEWAY_STANDALONE": str(path),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
        "PYTHONUNBUFFERED": "1",
    }
