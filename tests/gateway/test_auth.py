"""What happens to credentials over time: new keys, questions to issuers, revocation, caches, and what is said of refusals."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from joserfc import jwk

from gateway import schema
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.credentials import OKTA, Stage, staged
from tests.support.wait import until

MANAGER = f"{world.ORGANISATION}:Okta"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, redis_url: str, backend: Backend, signer: world.Signer) -> Stage:
    """One gateway; every test has APIs of its own."""
    with staged(tmp_path_factory.mktemp("auth"), redis_url, backend, signer) as one:
        yield one


def code(stage: Stage, path: str, token: str = "", **headers: str) -> tuple[int, str]:
    answer = stage.gateway.call(path, token=token, headers=headers)
    return answer.status, answer.json.get("code", "")


def rotated(stage: Stage, kid: str) -> world.Signer:
    return world.Signer(kid, jwk.RSAKey.generate_key(2048, {"kid": kid}))


def other_okta(stage: Stage, name: str, **changes: object) -> None:
    """Another issuer `https://name`, with its client-1 for application 1."""
    fields = {"organisation": world.ORGANISATION, "name": name, "issuer": f"https://{name}", "jwks": ""} | changes
    key = schema.Key("client-1", f"{world.ORGANISATION}:{name}", "app-1")
    stage.publish(
        ("key_manager", f"{world.ORGANISATION}:{name}", schema.KeyManager(**fields)),  # type: ignore[arg-type]
        ("key", f"{world.ORGANISATION}:{name}:client-1", key),
    )


def test_a_new_key_is_fetched_and_old_ones_go_on(stage: Stage) -> None:
    base = stage.offer("rotation")
    new = rotated(stage, "o2")
    stage.issuer.keys = {"keys": [new.key.as_dict(private=False), {"kty": "oct", "k": "c2VjcmV0", "kid": "o1"}]}
    before = stage.issuer.asked.get("/keys", 0)
    assert code(stage, f"{base}/x", new.token(iss=OKTA)) == (200, "")
    assert code(stage, f"{base}/x", stage.okta.token(iss=OKTA)) == (200, "")
    assert code(stage, f"{base}/x", new.token(iss=OKTA)) == (200, "")
    assert stage.issuer.asked["/keys"] == before + 1


def test_unknown_keys_cost_the_issuer_little(stage: Stage) -> None:
    base = stage.offer("flood")
    other_okta(stage, "flood", jwks_url=f"{stage.issuer.url}/flood")
    strangers = [world.Signer(f"f{n}", stage.okta.key).token(iss="https://flood") for n in range(20)]
    with ThreadPoolExecutor(10) as pool:
        answers = set(pool.map(lambda token: code(stage, f"{base}/x", token), strangers))
    assert answers == {(401, "900901")}
    assert stage.issuer.asked["/flood"] == 1


def test_an_issuer_whose_keys_cannot_be_fetched(stage: Stage) -> None:
    base = stage.offer("unreachable")
    other_okta(stage, "gone", jwks_url="http://127.0.0.1:1/keys")
    assert code(stage, f"{base}/x", stage.okta.token(iss="https://gone")) == (401, "900901")
    assert "keys not fetched" in stage.gateway.log


def test_opaque_tokens_are_asked_about_once(stage: Stage) -> None:
    base = stage.offer("opaque", schema.Operation("GET", "/x"), schema.Operation("GET", "/scoped", scopes=("keep",)))
    stage.issuer.add("opaque-1", scope="default keep", exp=int(time.time()) + 60)
    stage.issuer.add("opaque-2", exp=int(time.time()) + 60)
    stage.issuer.slow = 0.3
    before = stage.issuer.asked.get("/ask", 0)
    try:
        with ThreadPoolExecutor(8) as pool:
            answers = set(pool.map(lambda _: code(stage, f"{base}/x", "opaque-1"), range(8)))
    finally:
        stage.issuer.slow = 0.0
    assert answers == {(200, "")}
    assert code(stage, f"{base}/scoped", "opaque-1") == (200, "")
    assert stage.issuer.asked["/ask"] == before + 1
    assert code(stage, f"{base}/scoped", "opaque-2") == (403, "900910")


@pytest.mark.parametrize(
    "claims",
    [
        {"active": False}, {"active": "true"}, {"exp": 1}, {"client_id": None}, {"token_type": "refresh_token"},
        {"iss": "https://another"}, {"exp": "soon"}, {"cnf": {"jkt": "x"}}, {"nbf": 2**40, "exp": 2**41},
    ],
)  # fmt: skip
def test_answers_that_make_no_token(stage: Stage, claims: dict[str, object]) -> None:
    base = stage.offer("no-token")
    token = stage.issuer.add(f"opaque-{time.time_ns()}", **claims)
    assert code(stage, f"{base}/x", token) == (401, "900901")


def test_a_refusal_is_remembered_briefly_and_a_failure_not_at_all(stage: Stage) -> None:
    base = stage.offer("brief")
    before = stage.issuer.asked.get("/ask", 0)
    assert [code(stage, f"{base}/x", "opaque-late") for _ in range(3)] == [(401, "900901")] * 3
    assert stage.issuer.asked["/ask"] == before + 1
    stage.issuer.add("opaque-late")
    until(lambda: code(stage, f"{base}/x", "opaque-late") == (200, ""), seconds=15, every=0.5, what="asked anew")
    stage.issuer.broken = True
    token = stage.issuer.add("opaque-broken")
    try:
        assert code(stage, f"{base}/x", token) == (500, "900900")
    finally:
        stage.issuer.broken = False
    assert code(stage, f"{base}/x", token) == (200, "")


def test_revocation_reaches_every_kind_of_credential(stage: Stage) -> None:
    base = stage.offer("revoked", security=("oauth2", "api_key"))
    token = stage.signer.token(jti="r-1")
    bound = stage.bound_token("alice", jti="r-2")
    key, opaque = stage.api_key(jti="r-3"), stage.issuer.add("opaque-r4", jti="r-4")
    nameless = stage.issuer.add("opaque-r5")
    shown = {"X-Dummy": "1"}
    for credential in (token, opaque, nameless):
        assert code(stage, f"{base}/x", credential, **shown) == (200, "")
    assert code(stage, f"{base}/x", apikey=key) == (200, "")
    assert stage.call(f"{base}/x", ["certificate alice"], Authorization=f"Bearer {bound}").status == 200
    stage.issuer.tokens["opaque-r5"] = {"active": False}
    far = int(time.time()) + 900
    stage.publish(*(("revocation", f"r-{n}", schema.Revocation(f"r-{n}", far)) for n in (1, 2, 3, 4)))
    for credential in (token, opaque, nameless):
        assert code(stage, f"{base}/x", credential) == (401, "900901")
    assert code(stage, f"{base}/x", apikey=key) == (401, "900901")
    assert stage.call(f"{base}/x", ["certificate alice"], Authorization=f"Bearer {bound}").status == 401


def test_an_issuer_without_keys_is_asked_about_its_jwts(stage: Stage) -> None:
    base = stage.offer("asked")
    other_okta(stage, "asked", introspection_url=f"{stage.issuer.url}/jwts", introspection_user="gate way",
               introspection_password="se:cret%")  # fmt: skip
    token = world.Signer().token(iss="https://asked")
    assert code(stage, f"{base}/x", token) == (401, "900901")
    other = world.Signer().token(iss="https://asked")
    stage.issuer.add(other, iss="https://asked")
    assert code(stage, f"{base}/x", other) == (200, "")
    assert stage.issuer.asked["/jwts"] == 2


def test_passwords_are_asked_about_once_and_kept_nowhere(stage: Stage) -> None:
    base = stage.offer("password", security=("basic_auth",), subscribed=False)
    stage.hub.people[world.ORGANISATION, "bob", "tell-nobody-77"] = []
    asked = len(stage.hub.people_asked)
    for _ in range(3):
        assert stage.call(f"{base}/x", ["basic bob:tell-nobody-77"]).status == 200
    assert stage.call(f"{base}/x", ["basic bob:tell-nobody-78"]).status == 401
    questions = stage.hub.people_asked[asked:]
    assert [question["password"] for question in questions] == ["tell-nobody-77", "tell-nobody-78"]
    assert questions[0]["address"] == "127.0.0.1"
    assert "tell-nobody" not in stage.gateway.log
    assert "Ym9iOnRlbGw" not in stage.gateway.log
    for folder in (stage.gateway.var / "gateway").glob("*"):
        assert "tell-nobody" not in folder.read_text()


def test_the_tier_of_a_certificate_limits_it(stage: Stage) -> None:
    changes = {"application_security_mandatory": False, "mutual_tls_mandatory": True}
    base = stage.offer("tiered", security=("mutualssl",), subscribed=False, **changes)
    alice = stage.certificates["alice"]
    stage.publish(
        world.policy("subscription", "Two", 2),
        ("client_certificate", "id-tiered:PRODUCTION:alice",
         schema.ClientCertificate("id-tiered", "alice", alice.thumbprint, "Two", pem=alice.pem)),
    )  # fmt: skip
    answers = [stage.call(f"{base}/x", ["certificate alice"]) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].json["code"] == "900804"
    stage.publish(("client_certificate", "id-tiered:PRODUCTION:alice", None))
    assert stage.call(f"{base}/x", ["certificate alice"]).json["code"] == "900911"


def test_sandbox_sides_of_keys_and_certificates(stage: Stage) -> None:
    sandbox = schema.Endpoint(stage.backend.url + "-sand")
    base = stage.offer("sides", security=("oauth2", "api_key"), sandbox=sandbox)
    assert stage.call(f"{base}/x", ["api_key"]).json["target"] == "/base/x"
    assert stage.call(f"{base}/x", ["api_key apikey sandbox"]).json["target"] == "/base-sand/x"
    assert stage.call(f"{base}/x", ["token sandbox"]).json["target"] == "/base-sand/x"
    holder, pem = stage.certificates["alice"].thumbprint, stage.certificates["alice"].pem
    mutual = stage.offer("sides2", security=("mutualssl",), sandbox=sandbox, subscribed=False)
    stage.publish(
        ("client_certificate", "id-sides2:PRODUCTION:alice", None),
        ("client_certificate", "id-sides2:SANDBOX:alice",
         schema.ClientCertificate("id-sides2", "alice", holder, "Unlimited", "SANDBOX", pem)),
    )  # fmt: skip
    assert stage.call(f"{mutual}/x", ["certificate alice"]).json["target"] == "/base-sand/x"


def test_subscriptions_bind_api_keys_too(stage: Stage) -> None:
    base = stage.offer("held", security=("api_key",), subscribed=False)
    expected = {"BLOCKED": (401, "900907"), "ON_HOLD": (401, "900909"), "UNBLOCKED": (200, "")}
    key = stage.api_key()
    assert code(stage, f"{base}/x", apikey=key) == (403, "900908")
    for state, wanted in expected.items():
        stage.publish(world.subscription("held", state=state))
        assert code(stage, f"{base}/x", apikey=key) == wanted, state


def test_consumers_of_other_organisations(stage: Stage) -> None:
    acme = schema.Application("app-acme", "acme.com", "Theirs", "carol@acme.com")
    stage.publish(
        ("application", "app-acme", acme),
        ("key", "acme.com:Resident:client-acme", schema.Key("client-acme", "acme.com:Resident", "app-acme")),
    )
    token = stage.signer.token("client-acme", org="acme.com")
    for name, open_to_all, wanted in (("closed", False, (403, "900908")), ("crossed", True, (200, ""))):
        base = stage.offer(name, cross_tenant=open_to_all, subscribed=False, security=("oauth2", "api_key"))
        assert code(stage, f"{base}/x", token) == (403, "900908")
        one = schema.Subscription(f"sub-{name}", f"id-{name}", "app-acme", "Unlimited")
        stage.publish(("subscription", one.id, one))
        assert code(stage, f"{base}/x", token) == wanted
        assert code(stage, f"{base}/x", apikey=stage.api_key(application={"uuid": "app-acme"})) == wanted
    lie = stage.okta.token("client-acme", iss=OKTA, org="acme.com")
    assert code(stage, f"{base}/x", lie) == (403, "900908"), "only the platform says whose client a token is for"


def test_apis_without_plans_are_open_to_their_own_organisation(stage: Stage) -> None:
    base = stage.offer("no-plans", subscriptionless=True, subscribed=False, security=("oauth2", "api_key"))
    assert code(stage, f"{base}/x", stage.signer.token("client-unknown")) == (200, "")
    assert code(stage, f"{base}/x", stage.signer.token("client-unknown", org="acme.com")) == (403, "900908")
    assert code(stage, f"{base}/x", apikey=stage.api_key()) == (200, "")
    assert code(stage, f"{base}/x", apikey=stage.api_key(application={"uuid": "app-gone"})) == (403, "900908")


def test_a_subscription_to_a_product_counts_for_its_operations(stage: Stage) -> None:
    operation = schema.Operation("GET", "/x", source="id-part", production=schema.Endpoint(stage.backend.url + "/part"))
    base = stage.offer("product", operation, kind="PRODUCT", production=None)
    answer = stage.call(f"{base}/x", ["token"])
    assert (answer.status, answer.json["target"]) == (200, "/base/part/x")
    stage.publish(("subscription", "sub-product-1", None), world.subscription("part"))
    assert code(stage, f"{base}/x", stage.signer.token()) == (403, "900908")


def test_a_switched_off_key_manager_keeps_its_api_keys(stage: Stage) -> None:
    base = stage.offer("switched", security=("oauth2", "api_key"))
    off = world.key_manager(stage.signer, resident=True, enabled=False)
    stage.publish(("key_manager", world.MANAGER, off))
    try:
        assert code(stage, f"{base}/x", stage.signer.token()) == (401, "900901")
        assert code(stage, f"{base}/x", apikey=stage.api_key()) == (200, "")
    finally:
        stage.publish(("key_manager", world.MANAGER, world.key_manager(stage.signer, resident=True)))
    assert code(stage, f"{base}/x", stage.signer.token()) == (200, "")


def test_refusals_are_logged_with_who_what_and_why(stage: Stage) -> None:
    base = stage.offer(
        "logged", schema.Operation("GET", "/scoped/{id}", scopes=("keep",)), security=("oauth2", "api_key")
    )
    token = stage.signer.token()
    stage.gateway.call(f"{base}/scoped/7?apikey=hidden-key", token=token, headers={"activityid": "log-1"})
    stage.gateway.call(f"{base}/scoped/7?apikey=hidden-key", headers={"activityid": "log-2"})

    def lines() -> list[dict[str, str]]:
        found = [json.loads(line) for line in stage.gateway.log.splitlines() if '"gateway.refused"' in line]
        return [line for line in found if line["correlation_id"] in ("log-1", "log-2")]

    until(lambda: len(lines()) == 2, what="two lines")
    first, second = lines()
    assert (first["api"], first["resource"], first["code"]) == ("logged:1.0", "/scoped/{id}", "900910")
    assert (second["code"], second["cause"]) == ("900901", "not a signed JWT")
    assert token not in stage.gateway.log
    assert "hidden-key" not in stage.gateway.log


def test_unusable_issuers_are_refused_by_name(stage: Stage) -> None:
    other_okta(stage, "empty")
    until(lambda: '"key_manager:carbon.super:empty"' in stage.gateway.log, what="the refusal")
    stage.publish(("key_manager", f"{world.ORGANISATION}:empty", None))


def test_the_gateway_does_not_start_without_the_key_it_needs(
    tmp_path: Path, redis_url: str, backend: Backend, signer: world.Signer
) -> None:
    with (
        pytest.raises(AssertionError, match=r"GATEWAY_BACKEND_JWT is on, but its key .*gateway-jwt\.pem"),
        staged(tmp_path, redis_url, backend, signer, GATEWAY_BACKEND_JWT="true"),
    ):
        pass
