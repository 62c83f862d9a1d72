"""wrk, pinned to the load core: requests a second, latencies, and the certainty that every answer was a 200."""

from __future__ import annotations

import re
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil

from benchmarks.machine import LOAD_CORE, cpu_seconds, require

IDLE = 0.8
"""Share of its core below which a proxy was not what limited the rate, so that the figure says little about it."""
_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Sample:
    """One run of wrk. Latencies in milliseconds; `cpu` is the share of its core that the proxy used."""

    rate: float
    p50: float
    p99: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.rate:>9,.0f}/s  p99 {self.p99:.1f} ms  core {self.cpu:.0%}"


@dataclass
class Target:
    """Something to measure: a name, an address, and what is sent."""

    name: str
    url: str
    process: psutil.Process
    headers: Mapping[str, str] = field(default_factory=dict)
    script: Path | None = None
    samples: dict[int, list[Sample]] = field(default_factory=dict)

    def rate(self, connections: int) -> float:
        """Median requests a second."""
        return median(sample.rate for sample in self.samples[connections])

    def p99(self, connections: int) -> float:
        """Median of the rounds' 99th percentiles, milliseconds."""
        return median(sample.p99 for sample in self.samples[connections])


def interleave(
    targets: list[Target], connections: tuple[int, ...], rounds: int, seconds: int, say: Callable[[str], None]
) -> None:
    """Measure A B C A B C …, so that a slow minute of the machine hits all alike. The first second of each warms up."""
    for target in targets:
        _wrk(target, connections[0], 1)
    for number in range(rounds):
        for count in connections:
            for target in targets:
                sample = _wrk(target, count, seconds)
                target.samples.setdefault(count, []).append(sample)
                say(f"  round {number + 1}, {count:>3} connections: {target.name:<28} {sample}")
    for target in targets:
        used = median(sample.cpu for samples in target.samples.values() for sample in samples)
        if used < IDLE:
            say(
                f"  {target.name} used only {used:.0%} of its core: other work ran on the machine, or the load was too small"
            )


def _wrk(target: Target, connections: int, seconds: int) -> Sample:
    words = [require("taskset", "util-linux"), "-c", LOAD_CORE, require("wrk", "wrk"), "-t1", f"-c{connections}"]
    words += [f"-d{seconds}s", "--timeout", "10s", "--latency"]
    for name, value in target.headers.items():
        words += ["-H", f"{name}: {value}"]
    if target.script:
        words += ["-s", str(target.script)]
    before, began = cpu_seconds(target.process), time.monotonic()
    said = subprocess.run([*words, target.url], capture_output=True, text=True, check=True).stdout
    cpu = (cpu_seconds(target.process) - before) / (time.monotonic() - began)
    return _parse(said, target.name, cpu)


def _parse(said: str, name: str, cpu: float) -> Sample:
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said) or re.search(r"Socket errors: (.*)", said)
    if wrong:
        raise SystemExit(f"{name}: not every call was answered with 200 ({wrong.group(0)}); the numbers mean nothing.")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    p50, p99 = (re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", said) for percent in (50, 99))
    if not (rate and p50 and p99):
        raise SystemExit(f"{name}: wrk said something unexpected:\n{said}")
    return Sample(float(rate[1]), *(float(m[1]) * _MILLISECONDS[m[2]] for m in (p50, p99)), cpu)


def wait_for(
    url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None, seconds: float = 30.0
) -> bytes:
    """The body of the first 200 from `url`. Raises SystemExit with the last failure after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            request = urllib.request.Request(url, data=body, headers=dict(headers or {}))
            with urllib.request.urlopen(request, timeout=2) as answer:
                return bytes(answer.read())
        except OSError as error:
            if time.monotonic() > deadline:
                detail = error.read().decode(errors="replace") if hasattr(error, "read") else ""
                raise SystemExit(f"{url} did not answer with 200 within {seconds:g} s: {error} {detail}") from error
        time.sleep(0.1)
