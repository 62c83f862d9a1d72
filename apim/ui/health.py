"""Whether this process lives (`/healthz`) and whether it can serve (`/readyz`: database, Redis, migrations)."""

from __future__ import annotations

from collections.abc import Callable

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

log = structlog.get_logger(__name__)
_SECONDS = 1.0
_applied: list[bool] = []


class NotReady(Exception):
    """A check failed; the text says why."""


def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when everything this process needs is there, else 503; each check is named with `ok` or what is wrong."""
    checks = {name: _outcome(name, check) for name, check in CHECKS.items()}
    ready = all(outcome == "ok" for outcome in checks.values())
    return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)


def _outcome(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except (DatabaseError, redis.RedisError, NotReady) as error:
        log.warning("health.not_ready", check=name, reason=str(error))
        # The address and the driver's words stay in the log: this page is open to everybody.
        return str(error) if isinstance(error, NotReady) else "does not answer"
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> None:
    with redis.Redis.from_url(settings.APIM.redis, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS) as client:
        client.ping()


def _migrations() -> None:
    """Reading all migrations costs far more than a probe should: what was found applied stays so for this process."""
    if _applied:
        return
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise NotReady(f"{len(missing)} to apply")
    _applied.append(True)


CHECKS: dict[str, Callable[[], None]] = {"database": _database, "redis": _redis, "migrations": _migrations}
