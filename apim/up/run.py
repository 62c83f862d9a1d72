"""`manage.py up`: looks at the machine, starts everything under the supervisor, and says where it is."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from apim.config import Config, config
from apim.secrets import ensure_certificate, read_or_make
from apim.up import checks, hold, redis
from apim.up.banner import Announcer
from apim.up.parts import REDIS_PORT, environment, integrator_home, plan, ports
from apim.up.printer import StreamPrinter
from apim.up.supervisor import Supervisor
from apim.up.trouble import Trouble
from integrator.sample.install import install_sample


def main() -> int:
    """Run until stopped; the exit code. Trouble is one sentence on stderr and code 1."""
    began = time.monotonic()
    try:
        checks.writable(config.var)
        with checks.lock(config.var):
            return _run(began)
    except Trouble as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 1


def _run(began: float) -> int:
    checks.ports_free(ports(config))
    if config.database_url:
        checks.reachable(config.database_url, "database", 5432)
    redis_config, redis_url = _store(config)
    ensure_certificate(config.secrets, urlsplit(config.public).hostname or "localhost")
    read_or_make(config.secrets / "cluster")
    hold.engage()
    if config.sample:
        install_sample(integrator_home(config))
    announcer = Announcer(config, began)
    run = Supervisor(StreamPrinter(sys.stdout), environment(config, redis_url), announcer.part_is_ready)
    run.add(plan(config, redis_config))
    return run.loop()


def _store(config: Config) -> tuple[Path | None, str]:
    if not config.redis_url:
        return redis.write_config(config.var, config.port(REDIS_PORT))
    checks.reachable(config.redis_url, "Redis", 6379)
    return None, config.redis_url
