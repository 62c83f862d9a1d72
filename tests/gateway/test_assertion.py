"""The JWT for backends: its claims, its signature, and that it is signed once for a token and an API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwk, jwt

from gateway import schema
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.credentials import Stage, staged

DIALECT = "http://wso2.org/claims/"
KEY = jwk.RSAKey.generate_key(2048)


@pytest.fixture(scope="module")
def stage(
    tmp_path_factory: pytest.TempPathFactory, redis_url: str, backend: Backend, signer: world.Signer
) -> Iterator[Stage]:
    """A gateway that tells backends who calls."""
    var = tmp_path_factory.mktemp("assertion")
    (var / "secrets").mkdir()
    (var / "secrets" / "gateway-jwt.pem").write_bytes(KEY.as_pem(private=True))
    settings = {"GATEWAY_BACKEND_JWT": "true", "GATEWAY_BACKEND_JWT_SECONDS": "30"}
    with staged(var, redis_url, backend, signer, **settings) as one:
        yield one


def told(stage: Stage, path: str, *names: str) -> dict[str, Any]:
    """The claims that the backend got, verified."""
    answer = stage.call(path, list(names), **{"X-JWT-Assertion": "forged"})
    assert answer.status == 200, answer.body
    return dict(jwt.decode(answer.json["headers"]["x-jwt-assertion"], KEY, algorithms=["RS256"]).claims)


def test_claims(stage: Stage) -> None:
    base = stage.offer("told", security=("oauth2", "api_key", "basic_auth"))
    claims = told(stage, f"{base}/x", "token person")
    now = time.time()
    assert claims["iss"] == "wso2.org/products/am"
    assert now < claims["exp"] <= now + 30
    own = {name.removeprefix(DIALECT): value for name, value in claims.items() if name.startswith(DIALECT)}
    assert own == {
        "subscriber": "somebody", "applicationid": "app-1", "applicationUUId": "app-1", "applicationname": "App 1",
        "applicationtier": "Unlimited", "apicontext": base, "apiname": "told", "version": "1.0", "tier": "Unlimited",
        "keytype": "PRODUCTION", "usertype": "Application_User", "enduser": "alice", "enduserTenantId": "carbon.super",
    }  # fmt: skip
    assert told(stage, f"{base}/x", "token")[f"{DIALECT}usertype"] == "Application"
    assert told(stage, f"{base}/x", "api_key")[f"{DIALECT}applicationid"] == "app-1"
    person = told(stage, f"{base}/x", "basic alice:s3cret:word")
    assert (person[f"{DIALECT}enduser"], person[f"{DIALECT}subscriber"]) == ("alice", "alice")


def test_it_is_signed_once_and_follows_changes(stage: Stage) -> None:
    base = stage.offer("once")
    token = stage.signer.token()

    def shown() -> str:
        return str(stage.gateway.call(f"{base}/x", token=token).json["headers"]["x-jwt-assertion"])

    first = shown()
    assert shown() == first
    stage.publish(("application", "app-1", schema.Application("app-1", world.ORGANISATION, "Renamed", "somebody")))
    try:
        claims = jwt.decode(shown(), KEY, algorithms=["RS256"]).claims
        assert claims[f"{DIALECT}applicationname"] == "Renamed"
    finally:
        stage.publish(*world.application(1)[:1])


def test_nobody_forges_it_where_nobody_is_asked(stage: Stage) -> None:
    base = stage.offer("open", schema.Operation("GET", "/x", auth="none"))
    answer = stage.gateway.call(f"{base}/x", headers={"X-JWT-Assertion": "forged"})
    assert answer.status == 200
    assert "x-jwt-assertion" not in answer.json["headers"]
