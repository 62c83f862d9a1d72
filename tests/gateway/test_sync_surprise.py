"""A defect met while changes are taken in costs that round only: following goes on, and the log says so once."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from gateway.compile import Compiler
from gateway.hub import Hub
from gateway.schema import Batch
from gateway.services import Services
from gateway.settings import Settings
from gateway.sync import Sync


class SurprisingHub(Hub):
    """Fails twice in a way nobody foresaw, then answers."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1", "Default", lambda: "")
        self.asked = 0

    async def changes(self, after: int, mark: str = "") -> Batch:
        self.asked += 1
        if self.asked < 3:
            raise ZeroDivisionError("a defect")
        return Batch(sequence=7, snapshot=True, events=[])


async def test_a_surprise_does_not_end_following(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(var=tmp_path, redis_url="redis://127.0.0.1:1/0", poll_seconds=5)
    sync = Sync(settings, SurprisingHub(), Compiler(Services(settings)), lambda build: None)
    with caplog.at_level(logging.ERROR, "gateway.sync"):
        await asyncio.wait_for(sync.start(), 10)
    assert sync.loaded
    assert sync.state.sequence == 7
    assert [record.message for record in caplog.records] == ["changes not taken in; what served goes on serving"]
    await sync.stop()
