"""How far limits are overshot: `python -m benchmarks.limits` floods four workers with 1 000 calls a second, and counts."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.flood import flood
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.hub import FakeHub
from tests.gateway.process import Gateway, running_gateway
from tests.support.redis_server import running_redis

LIMITS = (10, 50, 300, 1000, 3000)
WORKERS, RATE, CONNECTIONS = 4, 1000.0, 32
BEGIN = 2.5
"""Seconds in which the workers learn of each other."""


@contextmanager
def limited(signer: world.Signer) -> Iterator[Gateway]:
    """A gateway with an API for each limit."""
    backend = Backend()
    folder = Path(tempfile.mkdtemp(prefix="apim-limits-"))
    with running_redis(folder) as redis_url:
        hub = FakeHub(redis_url).start()
        records = [("key_manager", world.MANAGER, world.key_manager(signer)), *world.application(1)]
        for amount in LIMITS:
            name = f"upto{amount}"
            records += [
                world.policy("subscription", name, amount),
                ("api", f"Default:id-{name}", world.api(name, backend.url)),
                world.subscription(name, 1, name),
            ]
        for record in records:
            hub.publish(*record)
        with running_gateway(folder, hub.url, redis_url, workers=WORKERS) as gateway:
            time.sleep(BEGIN)
            yield gateway
        hub.stop()
    backend.stop()


def main() -> None:
    """One line for each limit."""
    signer = world.Signer()
    with limited(signer) as gateway:
        for amount in LIMITS:
            sent = amount * 3 // 2 + 400
            found = asyncio.run(flood(gateway.http, f"/upto{amount}/1.0/a", signer.token(), sent, RATE, CONNECTIONS))
            passed = found.statuses[200]
            times = f"p50 {found.quantile(0.5) * 1000:.1f} ms, p99 {found.quantile(0.99) * 1000:.1f} ms"
            print(f"limit {amount:>5}: {passed:>5} of {sent} passed, {(passed - amount) / amount:+.2%}, {times}")


if __name__ == "__main__":
    main()
