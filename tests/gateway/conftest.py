"""Fixtures of the gateway's tests: Redis, a backend, a hub and a gateway process with a world of APIs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from gateway import schema
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.hub import FakeHub
from tests.gateway.process import Gateway, running_gateway

_databases = count(20)
"""Those below are the platform's own."""


@dataclass
class Served:
    """A gateway with everything it needs."""

    gateway: Gateway
    hub: FakeHub
    backend: Backend
    signer: world.Signer

    def publish(self, *records: tuple[str, str, schema.Record | None]) -> None:
        """Publishes and waits until the gateway serves it."""
        for kind, key, record in records:
            self.hub.publish(kind, key, record, hint=False)
        self.gateway.until_sequence(self.hub.sequence)


def _fresh_database() -> str:
    """A database of the test session's Redis that nobody has used: no counts, no workers of gateways that were killed."""
    return f"{os.environ['REDIS_URL'].rpartition('/')[0]}/{next(_databases)}"


@pytest.fixture(scope="module")
def redis_url() -> str:
    """A real Redis, empty when the module begins."""
    return _fresh_database()


@pytest.fixture
def lonely_redis_url() -> str:
    """For a gateway beside the module's, which shall share its limits with nobody."""
    return _fresh_database()


@pytest.fixture(scope="session")
def backend() -> Iterator[Backend]:
    """An echoing backend."""
    one = Backend()
    yield one
    one.stop()


@pytest.fixture(scope="session")
def signer() -> world.Signer:
    """The key manager's key."""
    return world.Signer()


@pytest.fixture
def hub(redis_url: str) -> Iterator[FakeHub]:
    """An event hub that runs."""
    one = FakeHub(redis_url).start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, redis_url: str, backend: Backend, signer: world.Signer
) -> Iterator[Served]:
    """One gateway for a whole module; tests add APIs of their own names."""
    hub = FakeHub(redis_url).start()
    hub.publish("key_manager", world.MANAGER, world.key_manager(signer))
    for record in world.application(1):
        hub.publish(*record)
    with running_gateway(
        tmp_path_factory.mktemp("var"), hub.url, redis_url, GATEWAY_POLL_SECONDS="0.1", GATEWAY_ACCESS_LOG="1"
    ) as gateway:
        one = Served(gateway, hub, backend, signer)
        gateway.until_sequence(hub.sequence)
        gateway.until_alone()
        yield one
    hub.stop()


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """A scratch state folder."""
    return tmp_path
