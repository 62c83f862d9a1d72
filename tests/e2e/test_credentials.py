"""Every kind of credential through the whole platform: made in the portal or the publisher, checked at the gateway."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.consumer import ENVIRONMENTS, Flow
from tests.e2e.platform import Platform
from tests.support.client_certificate import make_client_certificate
from tests.support.wait import until

pytestmark = pytest.mark.e2e
ORDER = {"customerId": 1, "sku": "TEA-001", "quantity": 1}


def redeploy(platform: Platform, flow: Flow, **changes: Any) -> None:
    """Changes the API's design and runs it."""
    body = platform.rest("publisher", "GET", f"publisher/apis/{flow.api}")
    platform.rest("publisher", "PUT", f"publisher/apis/{flow.api}", json=body | changes)
    revision = platform.rest("publisher", "POST", f"publisher/apis/{flow.api}/revisions", json={"description": "next"})
    where = {"revisionId": revision["id"]}
    platform.rest("publisher", "POST", f"publisher/apis/{flow.api}/deploy-revision", params=where, json=ENVIRONMENTS)


def test_all_the_ways_in(flow: Flow, platform: Platform, tmp_path: Path) -> None:
    url = f"{platform.gateway}/trial{flow.number}/1.0.0/orders"

    def order(session: requests.Session | None = None, **options: Any) -> int:
        return (session or platform.session()).post(url, json=ORDER, timeout=20, **options).status_code

    def soon(check: Callable[[], bool], what: str) -> None:
        until(check, seconds=10, every=0.1, what=what)

    redeploy(platform, flow, securityScheme=["oauth2", "api_key", "basic_auth", "oauth_basic_auth_api_key_mandatory"])
    place = f"devportal/applications/{flow.application}/api-keys/PRODUCTION"
    key = platform.rest("developer", "POST", f"{place}/generate", json={"validityPeriod": 600})["apikey"]
    soon(lambda: order(headers={"apikey": key}) == 201, "the API key is taken")
    assert order(params={"apikey": key}) == 201
    assert order(headers={"Authorization": f"Bearer {flow.token()}"}) == 201
    assert order(auth=("developer", platform.password("developer"))) == 201
    assert order(auth=("developer", "wrong")) == 401
    assert order() == 401
    test_key = platform.rest("publisher", "POST", f"publisher/apis/{flow.api}/generate-key")["apikey"]
    assert order(headers={"Internal-Key": test_key}) == 201

    platform.rest("developer", "POST", f"{place}/revoke", json={"apikey": key})
    began = time.monotonic()
    soon(lambda: order(headers={"apikey": key}) == 401, "the revoked key is refused")
    assert time.monotonic() - began < 5

    redeploy(platform, flow, securityScheme=["mutualssl", "mutualssl_mandatory"])
    soon(lambda: order(headers={"Authorization": f"Bearer {flow.token()}"}) == 401, "mutual TLS is asked for")
    alice = make_client_certificate(tmp_path, "alice")
    upload = {"files": {"certificate": ("alice.crt", alice.pem)}, "data": {"alias": "alice", "tier": "Gold"}}
    platform.rest("publisher", "POST", f"publisher/apis/{flow.api}/client-certificates", **upload)

    def with_certificate() -> int:
        session = platform.session()
        session.cert = str(alice.path)
        try:
            return order(session)
        except requests.ConnectionError:
            return 0

    soon(lambda: with_certificate() == 201, "the certificate is taken")
    platform.rest("publisher", "DELETE", f"publisher/apis/{flow.api}/client-certificates/alice")
    soon(lambda: with_certificate() == 401, "the deleted certificate is refused")


def test_an_organisation_has_a_key_for_backends(platform: Platform) -> None:
    keys = platform.session().get(f"{platform.public}/oauth2/jwks", timeout=20).json()["keys"]
    assert len(keys) >= 2
    assert not any("d" in key for key in keys)
    assert (platform.var / "secrets" / "gateway-jwt.pem").stat().st_mode & 0o077 == 0
