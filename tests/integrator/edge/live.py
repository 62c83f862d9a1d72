"""An integrator on a thread of its own, so that Django's tests can ask a real management API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.integrator.management.world import Session, managed
from tests.integrator.on_a_thread import OnAThread


class Live(OnAThread[Session]):
    """A running integrator with the home of `tests.integrator.management.world`."""

    @property
    def url(self) -> str:
        """Address of the management API."""
        return f"https://localhost:{self.here.running.settings.management_port}"

    @property
    def certificate(self) -> str:
        """What a client has to trust."""
        return (self.here.running.settings.secrets / "tls.crt").read_text()

    def call(self, path: str) -> Any:
        """One request to the http port."""
        return self.do(lambda session: session.running.call("GET", path))


@contextmanager
def live(folder: Path) -> Iterator[Live]:
    """A running integrator."""
    made = Live(lambda: managed(folder))
    made.start()
    try:
        yield made
    finally:
        made.stop()
