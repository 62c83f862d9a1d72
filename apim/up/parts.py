"""Which processes make the platform, how each is started, and how it is known to be ready."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from apim.config import ROOT, Config
from apim.secrets import read_or_make
from apim.up import redis

BASE_PORTS = {
    9443: "control plane, https",
    9763: "control plane, http",
    8243: "gateway, https",
    8280: "gateway, http",
    9099: "gateway, WebSocket",
    8099: "gateway, WebSocket over TLS",
    9021: "gateway, WebSub over http",
    8021: "gateway, WebSub over https",
    8290: "integrator, http",
    8253: "integrator, https",
    9164: "integrator, management",
    9764: "worker, health",
    9765: "beat, health",
}
WORKER = (
    "--pool=threads",
    "--concurrency=8",
    "--queues=control,integration",
    "--without-mingle",
    "--without-gossip",
)
REDIS_PORT = 6390
INTEGRATOR_ACCOUNT = "integrator"
INTEGRATOR_SECRET = "integrator-password"  # noqa: S105 - a file's name
"""The account, made by the bootstrap, with which the integrator registers its services in the catalog."""
SAMPLE_NOTE = "secrets/sample.json"
"""What `load_sample` leaves below var when it is done: how to call the sample API."""


@dataclass(frozen=True)
class Part:
    """One process. `probe` answers below 400 (http) or accepts (tcp) when it is ready; empty: ready when it has ended well.

    `after` names parts that must be ready first; `last` parts are stopped when all others are gone; the platform
    does without an `optional` one.
    """

    name: str
    command: tuple[str, ...]
    probe: str = ""
    after: tuple[str, ...] = ()
    last: bool = False
    optional: bool = False
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def once(self) -> bool:
        """Whether it does its work and ends."""
        return not self.probe


def ports(config: Config) -> list[tuple[int, str]]:
    """Every port that will be listened on, and by whom."""
    wanted = dict(BASE_PORTS)
    if not config.redis_url:
        wanted[REDIS_PORT] = "embedded Redis"
    return [(config.port(base), purpose) for base, purpose in wanted.items()]


def integrator_home(config: Config) -> Path:
    """The folder of the integrator's artifacts."""
    return Path(os.environ.get("INTEGRATOR_HOME") or config.var / "integrator")


def environment(config: Config, redis_url: str) -> dict[str, str]:
    """What every process is told."""
    return os.environ | {
        "APIM_VAR": str(config.var),
        "APIM_PORT_OFFSET": str(config.port_offset),
        "REDIS_URL": redis_url,
        "DATABASE_URL": config.database,
        "APIM_LOG_FORMAT": config.log_format,
        "APIM_HOLD": "1",
        "INTEGRATOR_HOME": str(integrator_home(config)),
        "INTEGRATOR_SCHEDULER": "celery",
        "INTEGRATOR_LOG_FORMAT": "json",
        "SERVICE_CATALOG_HOST": f"http://127.0.0.1:{config.port(9763)}",
        "SERVICE_CATALOG_USERNAME": INTEGRATOR_ACCOUNT,
        "SERVICE_CATALOG_PASSWORD": read_or_make(config.secrets / INTEGRATOR_SECRET),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
        # glibc keeps an arena per thread otherwise; two hold the memory of threaded processes down by a third.
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
    }


def plan(config: Config, redis_config: Path | None) -> list[Part]:
    """The parts, in the order in which they are shown. Data planes do not wait for the control plane."""
    store = ("redis",) if redis_config else ()
    made = [
        *([_redis(config, redis_config)] if redis_config else []),
        Part("bootstrap", _manage("bootstrap"), after=store),
        Part("control", _gunicorn("-c", "python:apim.up.control", "apim.wsgi"), _health(config, 9763), store),
        _celery("worker", config, 9764, store, *WORKER),
        _celery("beat", config, 9765, store, "--pidfile="),
        _data_plane("gateway", config, (8280, 8243, 9099, 8099, 9021, 8021), config.workers, store, "/readyz"),
        _data_plane("integrator", config, (8290, 8253, 9164), 1, store, "/healthz"),
    ]
    if config.sample and not (config.var / SAMPLE_NOTE).exists():
        everything = tuple(part.name for part in made)
        made.append(Part("sample", _manage("load_sample"), after=everything, optional=True))
    return made


def _redis(config: Config, path: Path) -> Part:
    return Part("redis", (str(redis.binary()), str(path)), f"tcp://127.0.0.1:{config.port(REDIS_PORT)}", last=True)


def _manage(*words: str) -> tuple[str, ...]:
    return (sys.executable, "manage.py", *words)


def _gunicorn(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "gunicorn", *words)


def _celery(name: str, config: Config, health_port: int, after: tuple[str, ...], *words: str) -> Part:
    command = (sys.executable, "-m", "celery", "--quiet", "--app=apim", name, f"--loglevel={config.log_level}", *words)
    told = {"APIM_HEALTH_PORT": str(config.port(health_port))}
    return Part(name, command, _health(config, health_port), after, environment=told)


def _data_plane(
    name: str, config: Config, ports: tuple[int, ...], workers: int, after: tuple[str, ...], health: str
) -> Part:
    further = filter(None, os.environ.get("GATEWAY_TLS_PORTS", "").split(",")) if name == "gateway" else ()
    listened = (*(str(config.port(port)) for port in ports), *further)
    binds = tuple(f"--bind={config.host}:{port}" for port in listened)
    command = _gunicorn(
        "--worker-class=wire.worker.Worker",
        "--no-control-socket",
        f"--workers={workers}",
        "--graceful-timeout=10",
        # Loaded before the fork, a reloaded or replaced gateway worker serves at once instead of after its imports.
        *(("--preload",) if name == "gateway" else ()),
        *binds,
        f"{name}.app:service()",
    )
    return Part(name, command, f"http://127.0.0.1:{config.port(ports[0])}{health}", after)


def _health(config: Config, port: int) -> str:
    return f"http://127.0.0.1:{config.port(port)}/readyz"
