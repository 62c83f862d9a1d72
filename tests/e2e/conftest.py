"""One platform for all tests that only use it; those that break processes heal it before they end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.consumer import Flow
from tests.e2e.platform import Platform, running_platform


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A running platform with the sample loaded."""
    folder: Path = tmp_path_factory.mktemp("platform")
    with running_platform(folder / "var") as made:
        yield made


@pytest.fixture
def flow(platform: Platform) -> Iterator[Flow]:
    """A published API of this test alone, made from the catalog's `order`, and an application that may call it."""
    made = Flow(platform)
    made.publish()
    made.consume()
    yield made
    made.remove()
