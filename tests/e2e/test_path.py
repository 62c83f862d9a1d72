"""The path of a new user, from the catalog to a call through the gateway, its faults, and what runs in the background."""

from __future__ import annotations

import re
import subprocess

import pytest
import requests

from tests.e2e.consumer import Flow
from tests.e2e.platform import Platform
from tests.support.wait import until

pytestmark = pytest.mark.e2e
ORDER = {"customerId": 1, "sku": "TEA-001", "quantity": 1}


def fault(answer: requests.Response) -> tuple[int, str]:
    """(status, code) of a gateway fault; every value of its body is a string."""
    body = answer.json()
    assert all(isinstance(value, str) for value in body.values()), body
    return answer.status_code, body["code"]


def test_the_printed_line_works_when_pasted(platform: Platform) -> None:
    line = next(line for line in platform.output().splitlines() if line.startswith("curl "))
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30)
    assert '"status": "CONFIRMED"' in done.stdout, done


def test_the_integrator_registered_its_services(platform: Platform) -> None:
    listed = platform.rest("creator", "GET", "service-catalog/services")["list"]
    assert {"customers", "inventory", "order"} <= {service["name"] for service in listed}


def test_an_order_passes_all_three_layers(flow: Flow) -> None:
    token = flow.token()
    flow.settle(token)
    answer = flow.call(token, "/orders", json=ORDER)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["status"] == "CONFIRMED"
    assert body["customer"]["name"] == "Ada Lovelace"
    assert body["item"]["sku"] == "TEA-001"
    unknown = flow.call(token, "/orders", json={**ORDER, "customerId": 99})
    assert unknown.status_code == 404
    assert "99" in unknown.json()["description"]
    assert flow.call(token, "/orders", json={"customerId": "x"}).status_code == 400


def test_an_api_from_an_openapi_file_answers(flow: Flow, platform: Platform) -> None:
    pizza = platform.rest("developer", "GET", "devportal/apis", params={"query": "PizzaShackAPI"})["list"][0]
    body = {"apiId": pizza["id"], "applicationId": flow.application, "throttlingPolicy": "Gold"}
    platform.rest("developer", "POST", "devportal/subscriptions", json=body)
    bearer = {"Authorization": f"Bearer {flow.token()}"}
    url = f"{platform.gateway}/pizzashack/1.0.0"
    flow.sees(lambda: flow.caller.get(f"{url}/menu", headers=bearer, timeout=20).status_code == 200)
    assert {"Margherita", "Funghi"} <= {
        pizza["name"] for pizza in flow.caller.get(f"{url}/menu", headers=bearer, timeout=20).json()
    }
    placed = flow.caller.post(f"{url}/order", headers=bearer, json={"pizza": "Funghi", "quantity": 2}, timeout=20)
    assert (placed.status_code, placed.json()["pizza"], placed.json()["quantity"]) == (201, "Funghi", 2)


def test_every_answer_carries_the_correlation_id(flow: Flow) -> None:
    token = flow.token()
    flow.settle(token)
    assert flow.call(token).headers["activityid"]


def test_faults_of_credentials(flow: Flow) -> None:
    token, short = flow.token(), flow.short_token(1)
    flow.settle(token)
    assert fault(flow.call(None)) == (401, "900902")
    refused = flow.call("not-a-token")
    assert fault(refused) == (401, "900901")
    assert "WWW-Authenticate" in refused.headers
    forged = token[:-6] + ("AAAAAA" if not token.endswith("AAAAAA") else "BBBBBB")
    assert fault(flow.call(forged)) == (401, "900901")
    until(lambda: fault_or_none(flow.call(short)) == (401, "900901"), seconds=15, what="the short token has expired")


def fault_or_none(answer: requests.Response) -> tuple[int, str] | None:
    """The fault, or None when the call passed."""
    return None if answer.status_code == 200 else fault(answer)


def test_no_such_api_and_no_such_resource(flow: Flow, platform: Platform) -> None:
    token = flow.token()
    flow.settle(token)
    bearer = {"Authorization": f"Bearer {token}"}
    assert flow.caller.get(f"{platform.gateway}/nobody/1.0.0", headers=bearer, timeout=20).status_code == 404
    assert flow.call(token, "/nothing-here").status_code == 404


def test_a_revoked_token_is_refused_within_a_second(flow: Flow) -> None:
    token, other = flow.token(), flow.token()
    flow.settle(token)
    flow.revoke(token)
    flow.sees(lambda: fault_or_none(flow.call(token)) == (401, "900901"))
    assert flow.call(other).status_code == 200


def test_subscriptions_come_and_go_within_a_second(flow: Flow) -> None:
    token = flow.token()
    flow.settle(token)
    flow.unsubscribe()
    flow.sees(lambda: fault_or_none(flow.call(token)) == (403, "900908"))
    flow.subscribe("Gold")
    flow.sees(lambda: flow.call(token).status_code == 200)


def test_a_blocked_subscription_is_refused_within_a_second(flow: Flow) -> None:
    token = flow.token()
    flow.settle(token)
    flow.block("BLOCKED")
    flow.sees(lambda: fault_or_none(flow.call(token)) == (401, "900907"))
    flow.unblock()
    flow.sees(lambda: flow.call(token).status_code == 200)


def test_a_blocked_and_an_undeployed_api_within_a_second(flow: Flow) -> None:
    token = flow.token()
    flow.settle(token)
    flow.change_state("Block")
    flow.sees(lambda: fault_or_none(flow.call(token)) == (503, "700700"))
    flow.change_state("Re-Publish")
    flow.sees(lambda: flow.call(token).status_code == 200)
    flow.undeploy()
    flow.sees(lambda: fault_or_none(flow.call(token)) == (404, "404"))


def test_the_plan_limits_and_a_change_of_plan_frees_within_a_second(flow: Flow) -> None:
    token = flow.token()
    flow.settle(token)
    flow.change_plan("Bronze")  # 1 000 calls a minute
    answers = (flow.call(token) for _ in range(2500))
    refused = next((answer for answer in answers if answer.status_code != 200), None)
    assert refused is not None, "the plan was never used up"
    assert fault(refused) == (429, "900804")
    assert re.fullmatch(r"\d{4}-\w{3}-\d\d \d\d:\d\d:\d\d\+0000 UTC", refused.json()["nextAccessTime"])
    assert "Retry-After" in refused.headers
    flow.change_plan("Unlimited")
    flow.sees(lambda: flow.call(token).status_code == 200)


def test_a_stored_message_is_forwarded_by_a_worker(flow: Flow, platform: Platform) -> None:
    token = flow.token()
    flow.settle(token)
    order = flow.call(token, "/orders", json=ORDER).json()["orderId"]
    until(
        lambda: order in requests.get(f"{platform.integrator}/notifications", timeout=10).text,
        seconds=20,
        every=0.2,
        what="the order's event arrived",
    )


def test_the_result_of_the_scheduled_task_can_be_seen(platform: Platform) -> None:
    reports = until(
        lambda: requests.get(f"{platform.integrator}/notifications/reports", timeout=10).json(),
        seconds=40,
        every=0.5,
        what="a report",
    )
    assert "POT-003" in str(reports)


@pytest.mark.parametrize(
    ("base", "path"), [(9763, "/readyz"), (9764, "/readyz"), (9765, "/readyz"), (8280, "/readyz"), (8290, "/healthz")]
)
def test_every_process_tells_its_health(platform: Platform, base: int, path: str) -> None:
    assert requests.get(f"http://127.0.0.1:{platform.port(base)}{path}", timeout=10).status_code == 200


@pytest.mark.parametrize("base", [9764, 9765, 8280])
def test_processes_give_metrics_for_prometheus(platform: Platform, base: int) -> None:
    answer = requests.get(f"http://127.0.0.1:{platform.port(base)}/metrics", timeout=10)
    assert answer.status_code == 200
    assert "# TYPE" in answer.text


def test_the_platform_stays_below_its_memory(platform: Platform) -> None:
    family = [platform.process, *platform.process.children(recursive=True)]
    used = sum(process.memory_full_info().pss for process in family) / 1e6
    assert used <= 700, f"{used:.0f} MB"
