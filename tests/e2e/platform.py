"""A platform of its own: `manage.py up` on free ports with scratch state, and its REST APIs for several people."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests

from apim.config import ROOT
from apim.up.banner import Note, read_note
from apim.up.checks import ports_free
from apim.up.parts import BASE_PORTS, REDIS_PORT
from apim.up.trouble import Trouble
from tests.support.wait import until

START = 240.0
MARKS = {
    "redis": "redis-server",
    "control": "apim.wsgi",
    "worker": " worker ",
    "beat": " beat ",
    "gateway": "gateway.app",
    "integrator": "integrator.app",
}


@dataclass
class Platform:
    """A running platform. `log` is everything `up` printed."""

    var: Path
    offset: int
    process: psutil.Popen
    log: Path
    people: dict[str, requests.Session] = field(default_factory=dict)

    def port(self, base: int) -> int:
        """A port under the offset."""
        return base + self.offset

    @property
    def public(self) -> str:
        """The control plane's https address."""
        return f"https://localhost:{self.port(9443)}"

    @property
    def gateway(self) -> str:
        """The gateway's https address."""
        return f"https://localhost:{self.port(8243)}"

    @property
    def integrator(self) -> str:
        """The integrator's http address."""
        return f"http://localhost:{self.port(8290)}"

    @property
    def certificate(self) -> str:
        """The self-signed certificate, which clients trust."""
        return str(self.var / "secrets" / "tls.crt")

    @property
    def note(self) -> Note:
        """How the sample is called."""
        found = read_note(self.var)
        assert found, "the sample was not loaded"
        return found

    def password(self, person: str) -> str:
        """The generated password of `admin` or a demo account."""
        name = "admin-password" if person == "admin" else f"demo-{person}-password"
        return (self.var / "secrets" / name).read_text().strip()

    def session(self) -> requests.Session:
        """A client that trusts the platform's certificate."""
        made = requests.Session()
        made.verify = self.certificate
        made.trust_env = False
        return made

    def rest(
        self, person: str, method: str, path: str, *, expect: int | tuple[int, ...] = (200, 201), **options: Any
    ) -> Any:
        """A management REST call as `person`; the JSON answer. `path` begins with publisher, devportal or service-catalog."""
        area, _, rest = path.partition("/")
        version = {"publisher": "v4", "devportal": "v3", "service-catalog": "v1"}[area]
        if person not in self.people:
            self.people[person] = self.session()
            self.people[person].auth = (person, self.password(person))
        url = f"{self.public}/api/am/{area}/{version}/{rest}"
        answer = self.people[person].request(method, url, timeout=20, **options)
        allowed = (expect,) if isinstance(expect, int) else expect
        assert answer.status_code in allowed, f"{method} {path}: {answer.status_code} {answer.text[:800]}"
        return answer.json() if answer.content else None

    def main(self, name: str) -> psutil.Process:
        """The process that the supervisor started for a part."""
        return until(lambda: self._find(name), seconds=30, what=f"{name} runs")

    def _find(self, name: str) -> psutil.Process | None:
        for child in self.process.children():
            try:
                if MARKS[name] in " ".join(child.cmdline()):
                    return child
            except psutil.NoSuchProcess:
                continue
        return None

    def output(self) -> str:
        """What `up` has printed so far."""
        return self.log.read_text(errors="replace")

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(60)
        except psutil.TimeoutExpired:
            for child in [*self.process.children(recursive=True), self.process]:
                child.kill()
            raise


@contextmanager
def running_platform(var: Path, *words: str) -> Iterator[Platform]:
    """Start a platform and wait for its announcement; stopped at the end."""
    log = var.with_suffix(".log")
    offset = free_offset()
    command = [sys.executable, "manage.py", "up", "--var", str(var), "--port-offset", str(offset), *words]
    with log.open("wb") as output:
        process = psutil.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env=clean_environment())
    made = Platform(var, offset, process, log)
    try:
        wait_announced(made)
        yield made
    finally:
        made.stop()


def wait_announced(platform: Platform) -> None:
    """Return when the addresses were printed; fails with the end of the log when `up` ends before."""
    deadline = time.monotonic() + START
    while "Ctrl-C stops everything" not in platform.output():
        assert platform.process.poll() is None, platform.output()[-4000:]
        assert time.monotonic() < deadline, f"not ready within {START} s:\n{platform.output()[-6000:]}"
        time.sleep(0.1)


def clean_environment() -> dict[str, str]:
    """The environment without what the test session set for its own Django."""
    names = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if name not in names and not name.startswith("APIM_")}


def free_offset() -> int:
    """A port offset under which every port is free, and below those that the system gives to outgoing connections."""
    for _ in range(50):
        offset = random.randrange(11_000, 22_000, 100)
        try:
            ports_free((base + offset, "trial") for base in (*BASE_PORTS, REDIS_PORT))
        except Trouble:
            continue
        return offset
    raise AssertionError("no free range of ports")
