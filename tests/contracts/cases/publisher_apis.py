"""The publisher's APIs."""

from __future__ import annotations

from tests.contracts.harness import Answer, case
from tests.contracts.world import World


@case("publisher", "getAllAPIs")
def list_apis(w: World) -> Answer:
    w.api()
    return w.publisher.get("/apis?limit=5")


@case("publisher", "getAPI")
def one_api(w: World) -> Answer:
    return w.publisher.get(f"/apis/{w.published().pk}")
