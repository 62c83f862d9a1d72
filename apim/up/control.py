"""How gunicorn runs the control plane: http and https in one process, TLS only on the https socket.

A gunicorn configuration file (`gunicorn -c python:apim.up.control apim.wsgi`).
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from apim import config as platform
from apim.secrets import ensure_certificate

worker_class = "apim.up.control_worker.ControlWorker"
logger_class = "apim.up.control_worker.ControlLogger"
bind = [f"{platform.config.host}:{platform.config.port(9763)}", f"{platform.config.host}:{platform.config.port(9443)}"]
certfile, keyfile = map(
    str, ensure_certificate(platform.config.secrets, urlsplit(platform.config.public).hostname or "localhost")
)
workers = int(os.environ.get("APIM_CONTROL_WORKERS", "1"))
threads = int(os.environ.get("APIM_CONTROL_THREADS", "12"))
if workers > 1:
    # Set before anything imports prometheus_client: each worker keeps its numbers in a file, and any of them tells all.
    metrics = platform.config.var / "metrics"
    metrics.mkdir(parents=True, exist_ok=True)
    for old in metrics.glob("*.db"):
        old.unlink(missing_ok=True)
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(metrics))
keepalive = 15
timeout = 60
graceful_timeout = 10
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - gunicorn's heartbeat file


@cache
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certfile, keyfile)
    if platform.config.client_ca:
        # Asked for, not demanded: only clients that registered for it prove themselves this way (RFC 8705).
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(platform.config.client_ca)
    context.set_alpn_protocols(["http/1.1"])
    return context


def ssl_context(_config: object, _default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """gunicorn asks for every connection; the certificate is read once."""
    return _context()


def child_exit(_server: object, worker: Any) -> None:
    """The gauges of a worker that has ended are not told any more; its counters stay in the sums."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        # Only now: importing it earlier would settle where numbers are kept.
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

        mark_process_dead(worker.pid)
