"""Steps of the life cycle that wait for approval."""

from __future__ import annotations

from typing import Any

from apim.workflows.actions.executors import set_executor
from publisher.actions.lifecycle import change_state
from publisher.actions.products import create_product
from publisher.models import Api
from tests.contracts.harness import case
from tests.contracts.world import World
from tests.publisher import make


def waits(w: World, api: Api, kind: str) -> Api:
    """`api` deployed, its publishing not approved yet."""
    set_executor(by=w.user, organisation=w.organisation, kind=kind, style="APPROVAL")
    make.deploy(w.user, api)
    change_state(by=w.user, api=api, action="Publish")
    return api


@case("publisher", "deleteAPILifecycleStatePendingTasks")
def api_task(w: World) -> Any:
    return w.publisher.delete(f"/apis/{waits(w, w.api(), 'API_STATE').pk}/lifecycle-state/pending-tasks")


@case("publisher", "deleteAPIProductLifecycleStatePendingTasks")
def product_task(w: World) -> Any:
    resources = [{"api": str(w.api().pk), "operations": [{"verb": "GET", "target": "/*"}]}]
    product = create_product(by=w.user, name="Both", context="/both", version="1", resources=resources, plans=["Gold"])
    where = f"/api-products/{waits(w, product, 'API_PRODUCT_STATE').pk}/lifecycle-state/pending-tasks"
    return w.publisher.delete(where)
