"""A defect met while changes are taken in costs that round only: following goes on, and the log says so once."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from gateway.compile import Compiler
from gateway.hub import Hub
from gateway.plan import Unusable
from gateway.schema import Batch, Cors, Endpoint
from gateway.services import Services
from gateway.settings import Settings
from gateway.sync import Sync
from tests.gateway import world


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


def test_a_surprise_in_one_api_refuses_that_one_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(record: Cors) -> None:
        raise ZeroDivisionError("a defect")

    compiler = Compiler(Services(Settings(var=tmp_path)))
    monkeypatch.setattr("gateway.stages.cors.check", fails)
    with caplog.at_level(logging.ERROR, "gateway"), pytest.raises(Unusable, match="ZeroDivisionError: a defect"):
        compiler.api(world.api("bad", "http://localhost:1"), {})
    assert [record.message for record in caplog.records] == ["an API cannot be compiled"]


@pytest.mark.parametrize("value", ["!!int x", "!!float x", "1.0e999", "? [a] : b", "&a [*a]"])
@pytest.mark.parametrize("feature", ["mock", "validate"])
def test_a_definition_with_a_value_of_the_wrong_kind_is_refused_by_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, value: str, feature: str
) -> None:
    more: dict[str, Any] = {"production": Endpoint("", kind="mock")} if feature == "mock" else {"validate_schema": True}
    api = world.api("odd", "http://localhost:1", definition=f"openapi: 3.0.0\nx: {value}\n", **more)
    with pytest.raises(Unusable, match="neither JSON nor YAML"):
        Compiler(Services(Settings(var=tmp_path))).api(api, {})
    assert not caplog.records
