"""Health, readiness and metrics."""

from __future__ import annotations

import pytest
from django.test import Client

from apim.accounts.models import Organisation, User
from tests.support.people import make_user
from tests.support.ports import free_port


def test_alive_without_asking_the_database(client: Client) -> None:
    # No `db` fixture: pytest-django refuses every query of this test.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_names_each_check(client: Client, db: None) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "checks": {"database": "ok", "redis": "ok", "migrations": "ok"}}


def test_not_ready_without_redis(client: Client, db: None, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.APIM, "redis_url", f"redis://127.0.0.1:{free_port()}/0")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "checks": {"database": "ok", "redis": "does not answer", "migrations": "ok"},
    }


def test_requests_are_counted_by_view(client: Client, organisation: Organisation) -> None:
    client.get("/healthz")
    client.get("/no/such/page")
    text = client.get("/metrics").content.decode()
    assert 'apim_http_requests_total{method="GET",status="200",view="ui:healthz"}' in text
    assert 'apim_http_requests_total{method="GET",status="404",view="none"}' in text
    assert 'apim_http_request_seconds_bucket{le="+Inf",view="ui:healthz"}' in text
    assert "/no/such/page" not in text


def test_metrics_are_not_for_strangers(client: Client, developer: User, other_organisation: Organisation) -> None:
    far = Client(REMOTE_ADDR="192.0.2.7")
    assert far.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403
    assert far.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    for user in (developer, make_user(other_organisation, "admin")):
        far.force_login(user)
        assert far.get("/metrics").status_code == 403


def test_metrics_are_for_the_cluster_and_administrators(settings, admin: User) -> None:
    far = Client(REMOTE_ADDR="192.0.2.7")
    assert far.get("/metrics", headers={"Authorization": f"Bearer {settings.CLUSTER_SECRET}"}).status_code == 200
    far.force_login(admin)
    assert far.get("/metrics").status_code == 200
