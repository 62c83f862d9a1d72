"""Health and metrics of the Celery worker and beat, over HTTP like those of every other process.

Answers on 127.0.0.1 at `APIM_HEALTH_PORT`, when that is set: /healthz, /readyz, /metrics.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import redis
import structlog
from celery import signals
from celery.platforms import SecurityWarning
from prometheus_client import Counter, Histogram, make_wsgi_app

from apim.config import config
from apim.up import hold

log = structlog.get_logger(__name__)
TASKS = Counter("apim_tasks_total", "Tasks that this worker finished.", ["task", "state"])
SECONDS = Histogram("apim_task_seconds", "How long tasks ran.", ["task"])
SENT = Counter("apim_tasks_sent_total", "Tasks that this process put into a queue.", ["task"])
CHATTY = ("celery.app.trace", "celery.worker.strategy", "celery.beat")
"""Loggers with a line or more for every task; processors run each second, and what a run did is logged where it happens."""
_metrics = make_wsgi_app()
_begun: dict[str, float] = {}
_state = {"started": False}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The WSGI application."""
    path = environ["PATH_INFO"]
    if path == "/metrics":
        return _metrics(environ, start_response)
    answers = {"/healthz": lambda: True, "/readyz": _ready}
    if path not in answers:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"Not Found\n"]
    good = answers[path]()
    start_response("200 OK" if good else "503 Service Unavailable", [("Content-Type", "application/json")])
    return [b'{"status": "ok"}\n' if good else b'{"status": "not ready"}\n']


def _ready() -> bool:
    if not _state["started"]:
        return False
    try:
        with redis.Redis.from_url(config.redis, socket_timeout=1, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Probes come every few seconds; nobody reads about them."""


def _hold(**_: Any) -> None:
    if config.log_level == "INFO":
        for chatty in CHATTY:
            logging.getLogger(chatty).setLevel(logging.WARNING)
    hold.wait()


def _serve(**_: Any) -> None:
    port = int(os.environ.get("APIM_HEALTH_PORT", "0"))
    if port:
        try:
            server = make_server("127.0.0.1", port, application, handler_class=_Quiet)
        except OSError as error:
            # Celery would only log an ordinary exception and go on without health.
            raise SystemExit(f"The health port {port} cannot be used: {error.strerror}.") from error
        Thread(target=server.serve_forever, name="health", daemon=True).start()


def _started(**_: Any) -> None:
    _state["started"] = True


def _before(task_id: str, **_: Any) -> None:
    _begun[task_id] = time.monotonic()


def _after(task_id: str, task: Any, state: str | None, **_: Any) -> None:
    begun = _begun.pop(task_id, None)
    if begun is not None:
        SECONDS.labels(task.name).observe(time.monotonic() - begun)
    TASKS.labels(task.name, state or "UNKNOWN").inc()


def _sent(sender: str, **_: Any) -> None:
    SENT.labels(sender).inc()


def install() -> None:
    """Connect to Celery's signals. The server starts with the worker or beat, not with other programs."""
    # Whoever runs the platform as root (in a container, on a trial machine) has decided so.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    keep = {"weak": False}
    # Sent when the code is loaded and before anything looks at a table.
    signals.after_setup_logger.connect(_hold, **keep)
    signals.worker_init.connect(_serve, **keep)
    signals.worker_ready.connect(_started, **keep)
    signals.beat_init.connect(_serve, **keep)
    signals.beat_init.connect(_started, **keep)
    signals.task_prerun.connect(_before, **keep)
    signals.task_postrun.connect(_after, **keep)
    signals.after_task_publish.connect(_sent, **keep)
