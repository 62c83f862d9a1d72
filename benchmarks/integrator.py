"""The integrator at its commonest jobs beside bare nginx, with few and many APIs; its start and its memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.jobs import JOBS, STYLESHEET, Job, payload
from benchmarks.load import Target, interleave, wait_for
from benchmarks.machine import free_port
from benchmarks.ours import data_plane, embedded_redis
from benchmarks.peers import BODY_BYTES, LARGE_BYTES, nginx_backend, nginx_proxy
from benchmarks.results import Result, result

CONNECTIONS = (64,)
FEW, MANY = 10, 1000
LARGE = ("pass_through", "json_switch", "payload_factory", "soap_call")
"""Jobs measured with bodies of 100 KB too."""
MB = 1 << 20


def measure(folder: Path, rounds: int, seconds: int, say: Callable[[str], None]) -> list[Result]:
    """Requests a second of each job and of nginx in interleaved rounds; then start, memory and many APIs."""
    with _stage(folder, FEW) as stage:
        made = _against_nginx(stage, JOBS, BODY_BYTES, rounds, seconds, say)
        large = [job for job in JOBS if job.name in LARGE]
        made += _against_nginx(stage, large, LARGE_BYTES, rounds, seconds, say)
        grown = _growth(stage, say)
    return [*made, *grown, *_many(folder, rounds, seconds, say), *_alone(folder, say)]


@dataclass
class Stage:
    """What runs: addresses of nginx and of the integrator, and their processes."""

    folder: Path
    nginx: str
    ours: str
    proxy: psutil.Process
    engine: psutil.Process

    def target(self, job: Job, size: int, address: str = "") -> Target:
        """One job, or the same request to nginx."""
        kind, text = payload(job, size)
        path = f"/{job.context}/orders" if not address else "/orders"
        script = self.folder / f"{job.name}-{size}.lua"
        script.write_text(f'wrk.method = "POST"\nwrk.body = [==[{text}]==]\nwrk.headers["Content-Type"] = "{kind}"\n')
        posts = job.method == "post" or size > BODY_BYTES
        headers = {"X-Kind": "wholesale"}
        if not address:
            wait_for(self.ours + path, {"Content-Type": kind, **headers}, text.encode() if posts else None)
        process = self.proxy if address else self.engine
        return Target(job.name, (address or self.ours) + path, process, headers, script if posts else None)


def _against_nginx(
    stage: Stage, jobs: tuple[Job, ...] | list[Job], size: int, rounds: int, seconds: int, say: Callable[[str], None]
) -> list[Result]:
    suffix = "" if size == BODY_BYTES else f".{size >> 10}kb"
    peer = stage.target(jobs[1] if size > BODY_BYTES else jobs[0], size, stage.nginx)
    peer.name = f"nginx.proxy{suffix}"
    targets = [peer, *(stage.target(job, size) for job in jobs)]
    interleave(targets, CONNECTIONS, rounds, seconds, say)
    rate = peer.rate(CONNECTIONS[0])
    return [
        result(f"integrator.{one.name}{suffix}", one.rate(CONNECTIONS[0]), "requests/s", peer.name, rate)
        for one in targets[1:]
    ]


def _growth(stage: Stage, say: Callable[[str], None]) -> list[Result]:
    """Memory before and after a long run of the job that makes most objects."""
    target = stage.target(next(job for job in JOBS if job.name == "payload_factory"), BODY_BYTES)
    (worker,) = stage.engine.children()
    interleave([target], CONNECTIONS, 1, 5, say)
    before = worker.memory_info().rss
    interleave([target], CONNECTIONS, 1, 60, say)
    after = worker.memory_info().rss
    say(f"  worker {after / MB:.0f} MB after {target.rate(CONNECTIONS[0]) * 60:,.0f} messages")
    return [result("integrator.growth", (after - before) / MB, "MB")]


def _many(folder: Path, rounds: int, seconds: int, say: Callable[[str], None]) -> list[Result]:
    """The same call with ten and with a thousand APIs deployed."""
    job = JOBS[0]
    with _stage(folder / "few", FEW) as few, _stage(folder / "many", MANY) as many:
        one, other = few.target(job, BODY_BYTES), many.target(job, BODY_BYTES)
        one.name, other.name = f"{FEW} APIs", f"{MANY} APIs"
        interleave([one, other], CONNECTIONS, rounds, seconds, say)
    return [
        result(f"integrator.{MANY}_apis", other.rate(CONNECTIONS[0]), "requests/s", one.name, one.rate(CONNECTIONS[0]))
    ]


def _alone(folder: Path, say: Callable[[str], None]) -> list[Result]:
    """Start to the first answer, and memory of all its processes then."""
    home = _home(folder / "alone-home", FEW, free_port())
    port = free_port()
    with ExitStack() as stack:
        store = stack.enter_context(embedded_redis(folder / "alone", free_port()))
        began = time.monotonic()
        engine = stack.enter_context(data_plane("integrator", folder / "alone", port, store, _told(home)))
        wait_for(f"http://127.0.0.1:{port}/healthz")
        took = time.monotonic() - began
        processes = [engine, *engine.children(recursive=True)]
        memory = sum(one.memory_full_info().pss for one in processes) / MB
    say(f"  ready after {took:.2f} s, {memory:.0f} MB")
    return [
        result("integrator.start", took, "s", "allowed", 2.0),
        result("integrator.memory", memory, "MB", "allowed", 120.0),
    ]


def _told(home: Path) -> dict[str, str]:
    return {"INTEGRATOR_HOME": str(home), "INTEGRATOR_SCHEDULER": "none"}


@contextmanager
def _stage(folder: Path, apis: int) -> Iterator[Stage]:
    folder.mkdir(parents=True, exist_ok=True)
    backend, nginx, ours, store = (free_port() for _ in range(4))
    home = _home(folder / "integrator", apis, backend)
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(nginx_backend(folder, backend))
        proxy = enter(nginx_proxy(folder, nginx, backend))
        engine = enter(data_plane("integrator", folder, ours, enter(embedded_redis(folder, store)), _told(home)))
        yield Stage(folder, f"http://127.0.0.1:{nginx}", f"http://127.0.0.1:{ours}", proxy, engine)


def _home(home: Path, apis: int, backend: int) -> Path:
    """An integrator home with one API for each job, filled up to `apis`."""
    folder = home / "repository" / "deployment" / "server" / "synapse-configs" / "default"
    for kind in ("api", "local-entries"):
        (folder / kind).mkdir(parents=True)
    (folder / "local-entries" / "orders.xml").write_text(STYLESHEET)
    for job in JOBS:
        (folder / "api" / f"{job.context}.xml").write_text(job.api(backend))
    for number in range(apis - len(JOBS)):
        filler = Job(f"filler{number}", "", 0.0, method="get")
        (folder / "api" / f"{filler.context}.xml").write_text(filler.api(backend))
    return home
