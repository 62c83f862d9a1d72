"""The gateway as a real gunicorn process, and small HTTP callers."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.gateway.hub import SECRET
from tests.support.certificate import make_certificate
from tests.support.ports import free_port
from tests.support.wait import until

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Answer:
    """What a caller got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Gateway:
    """A running gateway."""

    http: int
    https: int
    var: Path
    process: subprocess.Popen[bytes]

    def call(
        self,
        path: str,
        method: str = "GET",
        token: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """One call over http."""
        connection = HTTPConnection("127.0.0.1", self.http, timeout=30)
        sent = dict(headers) | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        """Everything that comes back for these bytes until the gateway closes, or is silent for a second after it spoke."""
        with socket.create_connection(("127.0.0.1", self.http), timeout=10) as sock:
            sock.settimeout(10 if request else 1)
            sock.sendall(request)
            answer = b""
            try:
                while piece := sock.recv(65536):
                    answer += piece
                    sock.settimeout(1)
            except (TimeoutError, ConnectionResetError):
                answer += b""
            return answer

    def ready(self) -> dict[str, Any]:
        """The readiness page, empty while there is none."""
        try:
            return self.call("/readyz").json
        except (OSError, HTTPException):
            return {}

    def until_sequence(self, sequence: int, seconds: float = 20.0) -> None:
        """Waits until this change is served."""
        until(
            lambda: self.ready().get("sequence", -1) >= sequence,
            seconds=seconds,
            every=0.02,
            what=f"sequence {sequence}",
        )

    def until_alone(self, seconds: float = 20.0) -> None:
        """Waits until the limits are this worker's alone.

        One that has just begun allows for others for a while; one that was killed at the same Redis counts for seconds longer.
        """
        wanted = (rb"\ngateway_limits_shared{[^}]*} 1\n", rb"\ngateway_limit_workers{[^}]*} 1\n")

        def alone() -> bool:
            page = self.call("/metrics").body
            return all(re.search(one, page) for one in wanted)

        until(alone, seconds=seconds, what="a gateway that shares its limits with nobody")

    @property
    def log(self) -> str:
        """Everything logged so far."""
        return (self.var / "gateway.log").read_text()


@contextmanager
def running_gateway(
    var: Path, hub_url: str, redis_url: str, workers: int = 1, graceful: int = 3, **settings: str
) -> Iterator[Gateway]:
    """Starts a gateway with its state in `var`; yields it when it answers. A stop leaves calls `graceful` seconds."""
    (var / "secrets").mkdir(parents=True, exist_ok=True)
    if not (var / "secrets" / "tls.crt").exists():
        make_certificate(var / "secrets")
    http, https = free_port(), free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("APIM_", "GATEWAY_"))}
    environment |= {
        "APIM_VAR": str(var), "APIM_CLUSTER_SECRET": SECRET, "REDIS_URL": redis_url, "PYTHONPATH": str(ROOT),
        "GATEWAY_CONTROL_PLANE_URL": hub_url, "GATEWAY_HTTPS_PORT": str(https), "PYTHONWARNINGS": "error::RuntimeWarning",
    } | settings  # fmt: skip
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--no-control-socket",
        "--preload",
        "-k",
        "wire.worker.Worker",
        "-w",
        str(workers),
    ]
    command += [
        "-b",
        f"127.0.0.1:{http}",
        "-b",
        f"127.0.0.1:{https}",
        "--graceful-timeout",
        str(graceful),
        "gateway.app:service()",
    ]
    with (var / "gateway.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=var, env=environment, stderr=log, stdout=log)
    gateway = Gateway(http, https, var, process)
    try:
        until(lambda: bool(gateway.ready()) or process.poll() is not None, seconds=180, what="the gateway answers")
        assert process.poll() is None, gateway.log
        yield gateway
    finally:
        process.terminate()
        process.wait(60)
