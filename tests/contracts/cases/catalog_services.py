"""The service catalog's operations."""

from __future__ import annotations

from tests.contracts.harness import Answer, case
from tests.contracts.world import World


@case("catalog", "getSettings")
def settings(w: World) -> Answer:
    return w.catalog.get("/settings")
