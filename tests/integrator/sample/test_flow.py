"""The order-processing sample through real sockets: what it answers, and what it leaves in the database."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from integrator.sample.install import install_sample
from tests.integrator.sample.conftest import Running, running_sample
from tests.support.ports import free_port
from tests.support.wait import until


def test_customers_are_read_and_created(sample: Running) -> None:
    assert sample.get("/customers").json()[0] == {
        "id": 1,
        "name": "Ada Lovelace",
        "email": "ada@example.org",
        "level": "gold",
    }
    name = 'Edsger "D" <b>O\'Brien</b> \\ ü'
    made = sample.post("/customers", {"name": name, "email": "edsger@example.org"})
    assert made.status_code == 201 and made.json()["name"] == name
    assert sample.get(f"/customers/{made.json()['id']}").json() == made.json()
    again = sample.post("/customers", {"name": "Other", "email": "edsger@example.org"})
    assert again.status_code == 409 and "edsger@example.org" in again.json()["description"]


def test_a_list_stays_a_list_and_an_item_is_typed(sample: Running) -> None:
    items = sample.get("/items").json()
    assert [item["sku"] for item in items] == ["CUP-002", "POT-003", "TEA-001"]
    assert sample.get("/items/CUP-002").json()["price"] == 9.9


def test_an_order_combines_both_systems_and_takes_from_the_stock(sample: Running) -> None:
    before = sample.get("/items/TEA-001").json()["stock"]
    answer = sample.post("/orders", {"customerId": 2, "sku": "TEA-001", "quantity": 4})
    assert answer.status_code == 201
    order = answer.json()
    assert order["status"] == "CONFIRMED" and order["total"] == 26.0 and order["quantity"] == 4
    assert order["customer"]["name"] == "Grace Hopper"
    assert order["item"]["stock"] == before - 4 == sample.get("/items/TEA-001").json()["stock"]


@pytest.mark.parametrize(
    ("order", "status", "named"),
    [
        ({"customerId": 99, "sku": "TEA-001", "quantity": 1}, 404, "customer 99"),
        ({"customerId": 1, "sku": "NO-SUCH", "quantity": 1}, 404, "item NO-SUCH"),
        ({"customerId": 1, "sku": "CUP-002", "quantity": 999}, 409, "CUP-002"),
        ({"customerId": "x", "sku": "TEA-001", "quantity": 1}, 400, "customerId"),
        ({"sku": "TEA-001", "quantity": 1}, 400, "customerId"),
        ({"customerId": 1, "sku": "../items", "quantity": 1}, 400, "sku"),
        ({"customerId": 1, "sku": "TEA-001", "quantity": 0}, 400, "quantity"),
        ({"customerId": 1, "sku": "TEA-001", "quantity": -3}, 400, "quantity"),
        ({"customerId": 1, "sku": "TEA-001", "quantity": 1.5}, 400, "quantity"),
        ({"customerId": 1, "sku": "TEA-001", "quantity": {"a": 1}}, 400, "quantity"),
        ([], 400, "customerId"),
    ],
)
def test_a_wrong_order_gets_a_clear_fault(sample: Running, order: Any, status: int, named: str) -> None:
    answer = sample.post("/orders", order)
    assert answer.status_code == status, answer.text
    fault = answer.json()
    assert set(fault) == {"code", "message", "description"}
    assert fault["code"] == status and named in fault["description"]


@pytest.mark.parametrize("body", [b'{"customerId":', b"", b"\xff\xfe", b"<a/>"])
def test_a_body_that_is_no_json_is_the_callers_mistake(sample: Running, body: bytes) -> None:
    answer = requests.post(f"{sample.url}/orders", data=body, headers={"Content-Type": "application/json"}, timeout=20)
    assert answer.status_code == 400 and answer.json()["code"] == 400


def test_the_stock_never_goes_below_zero(sample: Running) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda _: sample.post("/items/POT-003/reserve", {"quantity": 1}).status_code, range(40))
        )
    assert Counter(answers) == {200: 4, 409: 36}
    assert sample.get("/items/POT-003").json()["stock"] == 0


def test_an_order_event_is_forwarded_to_the_notifications(sample: Running) -> None:
    order = sample.post("/orders", {"customerId": 3, "sku": "CUP-002", "quantity": 2}).json()
    found = until(lambda: _event(sample, order["orderId"]), seconds=15, what="the event arrives")
    assert found["kind"] == "order.placed" and found["text"] == "2 of CUP-002 for Alan Turing"


def _event(sample: Running, identifier: str) -> dict[str, Any] | None:
    return next((row for row in sample.get("/notifications").json() if row["eventId"] == identifier), None)


def test_the_scheduled_report_can_be_seen(sample: Running) -> None:
    report = until(lambda: sample.get("/notifications/reports").json(), seconds=20, what="the report")[0]
    assert report["name"] == "low-stock" and "POT-003" in report["text"]


def test_a_system_that_is_down_gives_a_clear_fault(tmp_path: Path) -> None:
    with running_sample(tmp_path, INTEGRATOR_URL=f"http://127.0.0.1:{free_port()}") as lonely:
        answer = lonely.post("/orders", {"customerId": 1, "sku": "TEA-001", "quantity": 1})
        assert answer.status_code == 503
        assert answer.json() == {
            "code": 503,
            "message": "Service Unavailable",
            "description": "The customers system cannot be reached. Try again later.",
        }


def test_the_installer_repeats_without_touching_what_was_edited(tmp_path: Path) -> None:
    written = install_sample(tmp_path)
    edited, gone = written[0], written[1]
    edited.write_text("mine")
    gone.unlink()
    assert install_sample(tmp_path) == [gone]
    assert edited.read_text() == "mine"
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]
