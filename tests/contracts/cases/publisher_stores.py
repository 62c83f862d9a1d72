"""External stores, and an API shown in one."""

from __future__ import annotations

from publisher.actions.stores import save_store
from publisher.models import ExternalStore, StorePublication
from tests.contracts.harness import Answer, case
from tests.contracts.world import World
from tests.publisher.store_server import StoreServer


def store(w: World, endpoint: str = "https://store.example") -> ExternalStore:
    fields = {"display_name": "UK", "endpoint": endpoint, "username": "admin", "password": "secret"}
    return save_store(by=w.user, organisation=w.organisation, name="uk", **fields)


@case("publisher", "getAllExternalStores")
def stores(w: World) -> Answer:
    store(w)
    return w.publisher.get("/external-stores")


@case("publisher", "getAllPublishedExternalStoresByAPI")
def shown(w: World) -> Answer:
    api = w.published()
    StorePublication.objects.create(api=api, store=store(w), remote_id="1")
    return w.publisher.get(f"/apis/{api.pk}/external-stores")


@case("publisher", "publishAPIToExternalStores")
def publish(w: World) -> Answer:
    with StoreServer() as there:
        row = store(w, there.url)
        return w.publisher.post(f"/apis/{w.published().pk}/publish-to-external-stores?externalStoreIds={row.name}")
