"""The gateway's management REST on the control plane: for administrators, and with the gateway's own answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.conf import settings as settings_of_django
from django.http import HttpResponse
from django.test import Client
from django.test.utils import override_settings

from apim.eventhub import gateway_calls
from tests.support.people import make_user

pytestmark = pytest.mark.django_db
BASE = "/api/am/gateway/v2"


@pytest.fixture
def gateway(settings) -> Iterator[list[str]]:
    """A gateway that answers with what it was asked; the list of those questions."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(f"{self.command} {self.path} {self.headers['internal-key']}")
            assert "authorization" not in self.headers
            self.send_response(404 if "none" in self.path else 200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"count":1}')

        do_GET = do_POST = answer

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    changed = settings.APIM.model_copy(update={"gateway_http_url": f"http://127.0.0.1:{server.server_address[1]}"})
    with override_settings(APIM=changed):
        yield asked
    server.shutdown()
    server.server_close()


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_administrators_reach_the_gateway(gateway, admin, creator, other_organisation):
    boss = client_of(admin)
    answer = boss.get(f"{BASE}/apis?context=/a b&version=1")
    assert (answer.status_code, answer.json()) == (200, {"count": 1})
    assert gateway[-1] == f"GET {BASE}/apis?context=%2Fa+b&version=1 tests-only-cluster-secret"
    assert boss.post(f"{BASE}/undeploy-api?apiName=none&version=1").status_code == 404
    assert gateway[-1].startswith("POST")
    before = len(gateway)
    assert client_of(creator).get(f"{BASE}/apis").status_code == 403
    assert Client().get(f"{BASE}/apis").status_code == 401
    tenant = client_of(make_user(other_organisation, "admin"))
    assert tenant.get(f"{BASE}/apis?tenantDomain=carbon.super").status_code == 403
    assert len(gateway) == before
    assert tenant.get(f"{BASE}/apis").status_code == 200
    assert f"tenantDomain={other_organisation.domain}" in gateway[-1]
    assert Client().get(f"{BASE}/server-startup-healthcheck").status_code == 200


@pytest.mark.parametrize(
    "rest", ["../../../../metrics", "%2e%2e/%2e%2e/x", "apis/../../../../pizza/1.0/x", "a//b", "", "x/y/z"]
)
def test_the_secret_goes_to_management_resources_only(gateway, admin, rest):
    assert client_of(admin).get(f"{BASE}/{rest}").status_code == 404
    assert not gateway


def test_without_a_gateway_it_says_so(settings, admin):
    with override_settings(APIM=settings.APIM.model_copy(update={"gateway_http_url": "http://127.0.0.1:1"})):
        answer = client_of(admin).get(f"{BASE}/apis")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (503, 503)


def answer(status: int, body: object) -> HttpResponse:
    return HttpResponse(json.dumps(body), status=status, content_type="application/json")


def test_answers_of_several_gateways_become_one() -> None:
    one, other = {"apiUUID": "1"}, {"apiUUID": "2"}
    lists = [answer(200, {"count": 2, "list": [one, other]}), answer(200, {"count": 1, "list": [other]})]
    assert json.loads(gateway_calls.joined(lists).content) == {"count": 2, "list": [one, other]}
    missing, here, broken = answer(404, {}), answer(200, {"api": "<api/>"}), answer(500, {})
    assert gateway_calls.joined([missing, here]) is here
    assert gateway_calls.joined([missing, missing]) is missing
    assert gateway_calls.joined([here, broken]) is broken


def test_every_environment_of_the_platform_is_asked(gateway, admin, monkeypatch):
    here = settings_of_django.APIM.gateway_http
    monkeypatch.setattr(
        gateway_calls, "_known", [lambda: {"Default": "http://unused", "EU": here + "/", "US": f"{here}/us"}]
    )
    boss = client_of(admin)
    assert boss.get(f"{BASE}/apis").status_code == 200
    assert sorted(line.split()[1] for line in gateway) == [f"{BASE}/apis?", f"/us{BASE}/apis?"]
    gateway.clear()
    assert boss.get(f"{BASE}/apis?environment=US").status_code == 200
    assert [line.split()[1] for line in gateway] == [f"/us{BASE}/apis?"]
    wrong = boss.get(f"{BASE}/apis?environment=Mars")
    assert (wrong.status_code, wrong.json()["error"][0]["field"]) == (400, "environment")
