"""API products and their life cycle."""

from __future__ import annotations

from publisher.actions.products import create_product
from publisher.models import Api
from tests.contracts.harness import Answer, case
from tests.contracts.world import World
from tests.publisher import make


def product(w: World) -> Api:
    """A product of one operation."""
    source = w.api()
    resources = [{"api": str(source.pk), "operations": [{"verb": "GET", "target": "/*"}]}]
    return create_product(
        by=w.user, name="Bundle", context="/bundle", version="1.0.0", resources=resources, plans=["Gold"]
    )


@case("publisher", "getAllAPIProducts")
def products(w: World) -> Answer:
    product(w)
    return w.publisher.get("/api-products?limit=5")


@case("publisher", "createAPIProduct")
def create(w: World) -> Answer:
    source = w.api()
    apis = [{"apiId": str(source.pk), "operations": [{"target": "/*", "verb": "GET"}]}]
    body = {"name": "Bundle", "context": "/bundle", "version": "1.0.0", "policies": ["Gold"], "apis": apis}
    return w.publisher.post("/api-products", body)


@case("publisher", "getAPIProduct")
def one(w: World) -> Answer:
    return w.publisher.get(f"/api-products/{product(w).pk}")


@case("publisher", "updateAPIProduct")
def update(w: World) -> Answer:
    return w.publisher.put(f"/api-products/{product(w).pk}", {"name": "Bundle", "description": "Changed"})


@case("publisher", "deleteAPIProduct")
def delete(w: World) -> Answer:
    return w.publisher.delete(f"/api-products/{product(w).pk}")


@case("publisher", "getAPIProductSwagger")
def swagger(w: World) -> Answer:
    return w.publisher.get(f"/api-products/{product(w).pk}/swagger")


@case("publisher", "getIsAPIProductOutdated")
def outdated(w: World) -> Answer:
    return w.publisher.get(f"/api-products/{product(w).pk}/is-outdated")


@case("publisher", "createNewAPIProductVersion")
def copy(w: World) -> Answer:
    place = f"apiProductId={product(w).pk}&newVersion=2.0.0&defaultVersion=false"
    return w.publisher.post(f"/api-products/copy-api-products?{place}")


@case("publisher", "getAPIProductLifecycleState")
def state(w: World) -> Answer:
    return w.publisher.get(f"/api-products/{product(w).pk}/lifecycle-state")


@case("publisher", "getAPIProductLifecycleHistory")
def history(w: World) -> Answer:
    return w.publisher.get(f"/api-products/{product(w).pk}/lifecycle-history")


@case("publisher", "changeAPIProductLifecycle")
def change_state(w: World) -> Answer:
    made = product(w)
    make.deploy(w.user, made)
    return w.publisher.post(f"/api-products/change-lifecycle?apiProductId={made.pk}&apiId={made.pk}&action=Publish")
