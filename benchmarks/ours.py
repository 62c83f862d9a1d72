"""Our data planes as they run in production: gunicorn, one worker, our worker class, pinned to the proxy core."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from apim.config import ROOT
from apim.secrets import ensure_certificate, read_or_make
from apim.up import redis
from benchmarks.machine import LOAD_CORE, PROXY_CORE, running


@contextmanager
def embedded_redis(var: Path, port: int) -> Iterator[str]:
    """The same Redis that `up` starts, on the load core; yields its URL."""
    config, url = redis.write_config(var, port)
    with running([redis.binary(), config], LOAD_CORE, var / "redis.log"):
        yield url


@contextmanager
def data_plane(
    name: str,
    var: Path,
    port: int,
    redis_url: str,
    environment: dict[str, str] | None = None,
    core: str = PROXY_CORE,
    workers: int = 1,
) -> Iterator[psutil.Process]:
    """`gateway` or `integrator` on `port`, with one worker if not told otherwise."""
    ensure_certificate(var / "secrets")
    read_or_make(var / "secrets" / "cluster")
    words = [
        sys.executable,
        "-m",
        "gunicorn",
        "--worker-class=wire.worker.Worker",
        "--no-control-socket",
        f"--workers={workers}",
    ]
    words += ["--keep-alive=75", f"--bind=127.0.0.1:{port}", f"{name}.app:service()"]
    told = {"APIM_VAR": str(var), "REDIS_URL": redis_url, **(environment or {})}
    with running(words, core, var / f"{name}.log", told, ROOT) as process:
        yield process
