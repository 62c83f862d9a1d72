"""The gateway with token, subscription, three limits, CORS, correlation id and analytics, beside Envoy and bare nginx."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.credentials import make_credentials
from benchmarks.hub import records, static_hub
from benchmarks.load import Target, interleave, wait_for
from benchmarks.machine import free_port
from benchmarks.ours import data_plane, embedded_redis
from benchmarks.peers import envoy, nginx_backend, nginx_proxy
from benchmarks.results import Result, result

CONNECTIONS = (64, 512)
OURS, BARE, ENVOY, NGINX = "gateway.full_policy", "gateway.no_policy", "envoy.jwt_ratelimit", "nginx.proxy"


def measure(folder: Path, rounds: int, seconds: int, say: Callable[[str], None]) -> list[Result]:
    """Requests a second and 99th percentiles of all four, in interleaved rounds."""
    with _targets(folder) as targets:
        interleave(list(targets.values()), CONNECTIONS, rounds, seconds, say)
    made = []
    for count in CONNECTIONS:
        suffix = "" if count == CONNECTIONS[0] else f".{count}_connections"
        for ours in (OURS, BARE):
            for peer in (ENVOY, NGINX):
                made.append(
                    result(ours + suffix, targets[ours].rate(count), "requests/s", peer, targets[peer].rate(count))
                )
        made.append(result(f"{OURS}.p99{suffix}", targets[OURS].p99(count), "ms", NGINX, targets[NGINX].p99(count)))
    return made


@contextmanager
def _targets(folder: Path) -> Iterator[dict[str, Target]]:
    backend, nginx, other, ours, hub, store = (free_port() for _ in range(6))
    credentials = make_credentials()
    bearer = {"Authorization": f"Bearer {credentials.token}"}
    origin = f"http://127.0.0.1:{backend}"
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(nginx_backend(folder, backend))
        processes = {
            NGINX: enter(nginx_proxy(folder, nginx, backend)),
            ENVOY: enter(envoy(folder, other, backend, credentials)),
        }
        told = {
            "GATEWAY_CONTROL_PLANE_URL": enter(static_hub(hub, records(origin, credentials))).url,
            "GATEWAY_HTTPS_PORT": str(free_port()),
            "GATEWAY_ANALYTICS": "1",
        }
        processes[OURS] = processes[BARE] = enter(
            data_plane("gateway", folder, ours, enter(embedded_redis(folder, store)), told)
        )
        addresses = {
            NGINX: (f"http://127.0.0.1:{nginx}/orders", {}),
            ENVOY: (f"http://127.0.0.1:{other}/orders", bearer),
            OURS: (f"http://127.0.0.1:{ours}/full/1.0/orders", bearer),
            BARE: (f"http://127.0.0.1:{ours}/bare/1.0/orders", {}),
        }
        for url, headers in addresses.values():
            wait_for(url, headers)
        yield {name: Target(name, url, processes[name], headers) for name, (url, headers) in addresses.items()}
