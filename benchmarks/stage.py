"""One gateway with its backend, hub and Redis, for measurements without a peer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.credentials import Credentials, make_credentials
from benchmarks.hub import Hub, many, records, static_hub
from benchmarks.load import wait_for
from benchmarks.machine import PROXY_CORE, free_port
from benchmarks.ours import data_plane, embedded_redis
from benchmarks.peers import nginx_backend


@dataclass
class Stage:
    """What runs. `url` is an API with token, subscription and limits; `bare` one open to everybody."""

    process: psutil.Process
    hub: Hub
    credentials: Credentials
    url: str
    bare: str
    port: int

    @property
    def bearer(self) -> dict[str, str]:
        """The header that opens `url`."""
        return {"Authorization": f"Bearer {self.credentials.token}"}

    def workers(self) -> list[psutil.Process]:
        """The gateway's workers."""
        return list(self.process.children())


@contextmanager
def gateway_with(
    folder: Path,
    apis: int = 0,
    subscriptions: int = 0,
    workers: int = 1,
    core: str = PROXY_CORE,
    backend: str = "",
    **told: str,
) -> Iterator[Stage]:
    """A gateway that answers, with `apis` more APIs and `subscriptions` more subscriptions than needed."""
    credentials = make_credentials()
    behind, port = free_port(), free_port()
    with ExitStack() as stack:
        enter = stack.enter_context
        if not backend:
            enter(nginx_backend(folder, behind))
        origin = backend or f"http://127.0.0.1:{behind}"
        what = [*records(origin, credentials), *many(origin, apis, subscriptions)]
        hub = enter(static_hub(free_port(), what))
        environment = {"GATEWAY_CONTROL_PLANE_URL": hub.url, "GATEWAY_HTTPS_PORT": str(free_port()), **told}
        store = enter(embedded_redis(folder, free_port()))
        process = enter(data_plane("gateway", folder, port, store, environment, core, workers))
        base = f"http://127.0.0.1:{port}"
        running = Stage(process, hub, credentials, f"{base}/full/1.0/orders", f"{base}/bare/1.0/orders", port)
        wait_for(running.url, running.bearer, seconds=120)
        yield running
