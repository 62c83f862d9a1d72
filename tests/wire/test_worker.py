"""The gunicorn worker as a real process: http and https, reload without loss, orderly stop, refusal to start."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

from tests.support.certificate import make_certificate
from tests.support.ports import free_port
from tests.support.wait import until

ROOT = Path(__file__).resolve().parents[2]

APPLICATION = """
import asyncio, os, ssl
from wire.service import Service

class Small(Service):
    async def start(self):
        if os.environ.get("REFUSE"):
            raise RuntimeError("not today")
    def handle(self, exchange):
        if exchange.path == b"/slow":
            asyncio.get_running_loop().call_later(0.5, exchange.respond, 200, [], b"slow")
        else:
            exchange.respond(200, [], b"%s %d" % (exchange.scheme.encode(), os.getpid()))
    def tls(self, port):
        if port != int(os.environ["TLS_PORT"]):
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("tls.crt", "tls.key")
        return context

def service():
    return Small()
"""


@contextmanager
def gunicorn(folder: Path, **extra: str) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    """The application under gunicorn; yields the master and its two ports."""
    (folder / "small.py").write_text(APPLICATION)
    http, https = free_port(), free_port()
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{folder}", "TLS_PORT": str(https), **extra}
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "-k", "wire.worker.Worker", "-w", "2"]
    command += ["-b", f"127.0.0.1:{http}", "-b", f"127.0.0.1:{https}", "--graceful-timeout", "5", "small:service()"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stderr=log)
    try:
        yield process, http, https
    finally:
        process.terminate()
        process.wait(15)


def get(port: int, path: str = "/") -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()


def test_http_and_https_reload_and_stop(tmp_path: Path) -> None:
    certificate, _ = make_certificate(tmp_path)
    with gunicorn(tmp_path) as (process, http, https):
        assert until(lambda: get(http), seconds=60).startswith("http ")
        trusting = HTTPSConnection(
            "localhost", https, timeout=5, context=ssl.create_default_context(cafile=str(certificate))
        )
        trusting.request("GET", "/")
        assert trusting.getresponse().read().startswith(b"https ")
        trusting.close()

        answers: list[str] = []
        done = threading.Event()
        caller = threading.Thread(target=lambda: [answers.append(get(http)) for _ in iter(done.is_set, True)])
        caller.start()
        before = get(http)
        process.send_signal(signal.SIGHUP)
        until(lambda: len(set(answers[-20:])) and before not in answers[-20:] and len(answers) > 40, seconds=60)
        done.set()
        caller.join()
        assert "" not in answers

        waiting = HTTPConnection("127.0.0.1", http, timeout=20)
        waiting.request("GET", "/slow")
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert waiting.getresponse().read() == b"slow"
        waiting.close()
        assert process.wait(30) == 0


def test_a_service_that_cannot_start_stops_the_master(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    with gunicorn(tmp_path, REFUSE="1") as (process, _, _):
        assert process.wait(60) != 0
    assert "not today" in (tmp_path / "log").read_text()
