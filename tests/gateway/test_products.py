"""An API product in a real gateway: each resource goes to its own backend, with its own rights, under one subscription."""

from __future__ import annotations

from gateway import schema
from tests.gateway import world
from tests.gateway.conftest import Served


def test_resources_go_to_the_backends_of_their_apis(served: Served) -> None:
    base = f"http://127.0.0.1:{served.backend.port}"
    menu = schema.Operation("GET", "/menu", "none", production=schema.Endpoint(f"{base}/pizza"), source="id-pizza")
    order = schema.Operation(
        "POST", "/order", scopes=("order",), production=schema.Endpoint(f"{base}/pizza"),
        sandbox=schema.Endpoint(f"{base}/sand"), source="id-pizza",
    )  # fmt: skip
    status = schema.Operation(
        "GET", "/track/{id}", production=schema.Endpoint(f"{base}/delivery"), source="id-delivery"
    )
    product = world.api("meal", "", menu, order, status, kind="PRODUCT", production=None)
    served.publish(("api", "Default:id-meal", product), world.subscription("meal"))
    call, token = served.gateway.call, served.signer.token()
    assert call("/meal/1.0/menu").json["target"] == "/pizza/menu"
    assert call("/meal/1.0/track/7?a=b", token=token).json["target"] == "/delivery/track/7?a=b"
    assert call("/meal/1.0/order", "POST", token=token).json["code"] == "900910"
    scoped = served.signer.token(scope="order")
    assert call("/meal/1.0/order", "POST", token=scoped).json["target"] == "/pizza/order"
    sandbox = served.signer.token("sandbox-1", scope="order")
    assert call("/meal/1.0/order", "POST", token=sandbox).json["target"] == "/sand/order"
    assert call("/meal/1.0/track/7", token=sandbox).status == 403
    served.publish(("subscription", "sub-meal-1", None))
    assert call("/meal/1.0/track/7", token=served.signer.token()).json["code"] == "900908"
