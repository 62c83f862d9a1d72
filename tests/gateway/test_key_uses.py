"""Uses of API keys are told to the control plane with the next status, once each; those of tokens and refused keys are not."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from gateway.schema import KeyUse
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.credentials import Stage, staged
from tests.support.wait import until


@pytest.fixture
def stage(
    tmp_path_factory: pytest.TempPathFactory, redis_url: str, backend: Backend, signer: world.Signer
) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("uses"), redis_url, backend, signer) as one:
        yield one


def _told(stage: Stage) -> list[KeyUse]:
    return [use for status in stage.hub.statuses for use in status.key_uses]


def test_a_use_is_told_once_and_a_later_one_again(stage: Stage) -> None:
    base = stage.offer("used", security=("oauth2", "api_key"))
    key, began = stage.api_key(jti="u-1"), time.time()
    refused = stage.api_key(jti="u-2", permittedIP="10.0.0.0/8")
    assert stage.gateway.call(f"{base}/x", headers={"apikey": key}).status == 200
    assert stage.gateway.call(f"{base}/x", headers={"apikey": refused}).status == 401
    assert stage.gateway.call(f"{base}/x", token=stage.signer.token()).status == 200
    until(lambda: bool(_told(stage)), seconds=30, what="the report")
    reports = len(stage.hub.statuses)
    until(lambda: len(stage.hub.statuses) > reports + 1, seconds=60, what="two more reports")
    told = _told(stage)
    assert [use.id for use in told] == ["u-1"]
    assert began - 1 <= told[0].at <= time.time() + 1
    assert stage.gateway.call(f"{base}/x", headers={"apikey": key}).status == 200
    until(lambda: len(_told(stage)) == 2, seconds=30, what="the later use")
    assert _told(stage)[1].at > told[0].at
