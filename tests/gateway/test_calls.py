"""Calls through a real gateway: what the backend sees and what the caller gets."""

from __future__ import annotations

import http.client
import re
import ssl
import time

import pytest

from gateway import schema
from tests.gateway import world
from tests.gateway.conftest import Served
from tests.support.wait import until


@pytest.fixture(scope="module")
def ready(served: Served) -> Served:
    """A pizza API that application 1 may call."""
    url = served.backend.url
    operations = (
        schema.Operation("GET", "/menu"),
        schema.Operation("POST", "/order"),
        schema.Operation("GET", "/order/{id}"),
        schema.Operation("GET", "/order/special"),
        schema.Operation("GET", "/status/{code}"),
        schema.Operation("GET", "/cut"),
        schema.Operation("GET", "/junk"),
        schema.Operation("GET", "/slow"),
        schema.Operation("GET", "/admin", scopes=("admin", "root")),
        schema.Operation("GET", "/mine", auth="user"),
        schema.Operation("GET", "/ours", auth="application"),
        schema.Operation("GET", "/public", auth="none"),
        schema.Operation("PUT", "/menu"),
    )
    served.publish(
        ("api", "Default:id-pizza", world.api("pizza", url, *operations, default_context="/pizza")),
        world.subscription("pizza"),
        ("api", "Default:id-tenant", world.api("tenant", url, context="/t/acme.com/pizza/1.0", id="id-tenant")),
        world.subscription("tenant"),
    )
    return served


def test_what_the_backend_sees(ready: Served) -> None:
    token = ready.signer.token()
    answer = ready.gateway.call(
        "/pizza/1.0/order?a=b%20c&d", "POST", token, b"body", {"activityid": "abc-1", "X-Own": "kept"}
    )
    assert answer.status == 200
    assert answer.headers["activityid"] == "abc-1"
    seen = answer.json
    assert (seen["method"], seen["target"], seen["body"]) == ("POST", "/base/order?a=b%20c&d", "body")
    headers = seen["headers"]
    assert headers["host"] == f"127.0.0.1:{ready.backend.port}"
    assert (headers["activityid"], headers["x-own"]) == ("abc-1", "kept")
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert "authorization" not in headers


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/pizza/1.0/order/7", "/base/order/7"),
        ("/pizza/order/7", "/base/order/7"),
        ("/pizza/1.0/order/special", "/base/order/special"),
        ("/pizza/1.0/order/a%2Fb%20c?x=%2F", "/base/order/a%2Fb%20c?x=%2F"),
        ("/pizza/1.0/menu/", "/base/menu/"),
    ],
)
def test_paths_and_queries_reach_the_backend_verbatim(ready: Served, path: str, target: str) -> None:
    answer = ready.gateway.call(path, token=ready.signer.token())
    assert (answer.status, answer.json["target"]) == (200, target)


def test_tenant_contexts(ready: Served) -> None:
    answer = ready.gateway.call("/t/acme.com/pizza/1.0/any/thing", token=ready.signer.token())
    assert (answer.status, answer.json["target"]) == (200, "/base/any/thing")


def test_a_correlation_id_is_made_when_there_is_none_or_a_bad_one(ready: Served) -> None:
    for headers in ({}, {"activityid": "two words"}, {"activityid": "x" * 200}):
        answer = ready.gateway.call("/pizza/1.0/menu", token=ready.signer.token(), headers=headers)
        assert len(answer.headers["activityid"]) == 32
        assert answer.json["headers"]["activityid"] == answer.headers["activityid"]


def test_https_serves_the_same(ready: Served) -> None:
    trust = ssl.create_default_context(cafile=str(ready.gateway.var / "secrets" / "tls.crt"))
    connection = http.client.HTTPSConnection("localhost", ready.gateway.https, context=trust, timeout=5)
    connection.request("GET", "/pizza/1.0/menu", headers={"Authorization": f"Bearer {ready.signer.token()}"})
    answer = connection.getresponse()
    assert answer.status == 200
    assert b'"x-forwarded-proto": "https"' in answer.read()
    connection.close()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    connection = http.client.HTTPSConnection("localhost", ready.gateway.https, context=old, timeout=5)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connection.request("GET", "/healthz")
    connection.close()


def fault(served: Served, path: str, token: str = "", method: str = "GET", **headers: str) -> tuple[int, str]:
    answer = served.gateway.call(path, method, token, headers=headers)
    assert answer.headers["activityid"]
    return answer.status, answer.json["code"]


def test_credentials(ready: Served) -> None:
    signer = ready.signer
    answer = ready.gateway.call("/pizza/1.0/menu")
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == (
        'OAuth2 realm="WSO2 API Manager", error="invalid_token", error_description="The provided token is invalid"'
    )
    assert answer.json == {
        "code": "900902",
        "message": "Missing Credentials",
        "description": "Missing Credentials. Make sure your API invocation call has a header: "
        "'Authorization : Bearer ACCESS_TOKEN' or 'Authorization : Basic ACCESS_TOKEN' or 'apikey : API_KEY'",
    }
    assert fault(ready, "/pizza/1.0/menu", Authorization="Basic YTpi") == (401, "900902")
    answer = ready.gateway.call("/pizza/1.0/menu", token="nonsense")
    assert answer.status == 401
    assert answer.body == (
        b'{"code":"900901","message":"Invalid Credentials","description":'
        b'"Invalid Credentials. Make sure you have provided the correct security credentials"}'
    )
    stranger = world.Signer()
    now = int(time.time())
    bad = [
        stranger.token(),
        signer.token(exp=now - 60),
        signer.token(nbf=now + 600),
        signer.token(iss="https://elsewhere"),
        signer.token(exp=None),
        signer.token(exp="never"),
        signer.token(azp=None),
        signer.token(header={"kid": "k2"}),
        signer.token(header={"typ": "dpop+jwt"}),
        signer.token()[:-4] + "AAAA",
        signer.token() + ".x",
        "a.b.c",
        "x" * 9000,
    ]
    for token in bad:
        assert fault(ready, "/pizza/1.0/menu", token) == (401, "900901"), token[:60]


def test_the_algorithm_cannot_be_confused(ready: Served) -> None:
    from base64 import urlsafe_b64encode as encode
    from hashlib import sha256
    from hmac import digest

    _, claims, _ = ready.signer.token().split(".")
    public = ready.signer.key.as_pem(private=False)
    for algorithm in (b"HS256", b"none"):
        head = encode(b'{"alg":"%b","kid":"k1","typ":"JWT"}' % algorithm).rstrip(b"=")
        signed = head + b"." + claims.encode()
        mac = encode(digest(public, signed, sha256)).rstrip(b"=") if algorithm == b"HS256" else b""
        assert fault(ready, "/pizza/1.0/menu", (signed + b"." + mac).decode()) == (401, "900901")


def test_rights_of_a_token(ready: Served) -> None:
    signer = ready.signer
    answer = ready.gateway.call("/pizza/1.0/admin", token=signer.token())
    assert answer.status == 403
    assert answer.json == {
        "code": "900910",
        "message": "The access token does not allow you to access the requested resource",
        "description": "User is NOT authorized to access the Resource: /admin. Scope validation failed.",
    }
    assert ready.gateway.call("/pizza/1.0/admin", token=signer.token(scope="other root")).status == 200
    user = signer.token(sub="alice", aut="APPLICATION_USER")
    assert fault(ready, "/pizza/1.0/mine", signer.token()) == (401, "900905")
    assert fault(ready, "/pizza/1.0/ours", user) == (401, "900905")
    assert ready.gateway.call("/pizza/1.0/mine", token=user).status == 200
    assert ready.gateway.call("/pizza/1.0/public").status == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/%61dmin", "/admin/", "//admin", "/admin;v=1", "/ADMIN/../admin", "/x/%2e%2e/admin", "/x%2F..%2Fadmin"),
        *("/admin%2F", "/admin%2f", "/%2Fadmin", "/admin%252F", "/\\admin", "/%5Cadmin", "/admin%00", "/users%2f7"),
    ],
)
def test_a_scope_cannot_be_dodged_by_spelling(ready: Served, path: str) -> None:
    ready.publish(
        (
            "api",
            "Default:id-spelt",
            world.api(
                "spelt",
                ready.backend.url,
                schema.Operation("GET", "/admin", scopes=("root",)),
                schema.Operation("GET", "/users/{id}", scopes=("root",)),
                schema.Operation("GET", "/*"),
            ),
        ),
        world.subscription("spelt"),
    )
    assert ready.gateway.call("/spelt/1.0/files%2Fa", token=ready.signer.token()).status == 200
    assert ready.gateway.call("/spelt/1.0/other", token=ready.signer.token()).status == 200
    assert ready.gateway.call(f"/spelt/1.0{path}", token=ready.signer.token()).status in (400, 403)


@pytest.mark.parametrize("moment", [10**400, -(10**400), float("inf"), float("nan"), 2**53, True, "1", [1]])
@pytest.mark.parametrize("claim", ["exp", "nbf"])
def test_a_time_that_is_none_is_a_wrong_token(ready: Served, claim: str, moment: object) -> None:
    assert fault(ready, "/pizza/1.0/menu", ready.signer.token(**{claim: moment})) == (401, "900901")


def test_unknown_places(ready: Served) -> None:
    token = ready.signer.token()
    answer = ready.gateway.call("/nowhere/1.0/menu", token=token)
    assert answer.status == 404
    assert answer.body == (
        b'{"code":"404","type":"Status report","message":"Not Found",'
        b'"description":"The requested resource is not available."}'
    )
    answer = ready.gateway.call("/pizza/1.0/nowhere", token=token)
    assert (answer.status, answer.json["description"]) == (404, "No matching resource found for given API Request")
    answer = ready.gateway.call("/pizza/1.0/menu", "DELETE", token)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, PUT")
    assert answer.json["description"] == "Method not allowed for given API resource"
    assert ready.gateway.call("/pizza/1.0x/menu", token=token).status == 404


def test_backend_failures(ready: Served) -> None:
    token = ready.signer.token()
    dead = world.api("dead", "http://127.0.0.1:1/x")
    short = world.api("short", ready.backend.url, production=schema.Endpoint(ready.backend.url, timeout_ms=200))
    ready.publish(
        ("api", "Default:id-dead", dead), world.subscription("dead"),
        ("api", "Default:id-short", short), world.subscription("short"),
    )  # fmt: skip
    answer = ready.gateway.call("/dead/1.0/a", token=token)
    assert answer.status == 500
    assert answer.body == (
        b'{"code":"101503","type":"Status report","message":"Runtime Error",'
        b'"description":"Error connecting to the back end"}'
    )
    assert fault(ready, "/short/1.0/slow", token) == (504, "101504")
    assert fault(ready, "/pizza/1.0/cut", token) == (500, "101505")
    assert fault(ready, "/pizza/1.0/junk", token) == (500, "101506")
    answer = ready.gateway.call("/pizza/1.0/status/418", token=token)
    assert (answer.status, answer.json["target"]) == (418, "/base/status/418")


def test_forms_of_a_fault(ready: Served) -> None:
    xml = ready.gateway.call("/pizza/1.0/menu", headers={"Accept": "application/xml"})
    assert xml.headers["content-type"].startswith("application/xml")
    assert xml.body.startswith(
        b'<ams:fault xmlns:ams="http://wso2.org/apimanager/security"><ams:code>900902</ams:code>'
    )
    soap = ready.gateway.call("/pizza/1.0/order", "POST", headers={"Content-Type": "text/xml", "SOAPAction": "x"})
    assert b"<faultcode>soapenv:Client</faultcode><faultstring>Authentication Failure</faultstring>" in soap.body
    both = ready.gateway.call("/pizza/1.0/menu", headers={"Accept": "application/xml, application/json"})
    assert both.headers["content-type"].startswith("application/json")


def test_states_of_a_subscription(ready: Served) -> None:
    token, sandbox = ready.signer.token(), ready.signer.token("sandbox-1")
    ready.publish(
        (
            "api",
            "Default:id-states",
            world.api("states", ready.backend.url, sandbox=schema.Endpoint(ready.backend.url + "-sand")),
        )
    )
    answer = ready.gateway.call("/states/1.0/a", token=token)
    assert (answer.status, answer.json) == (
        403,
        {
            "code": "900908",
            "message": "Resource forbidden ",
            "description": "User is NOT authorized to access the Resource. API Subscription validation failed.",
        },
    )
    expected = [
        ("UNBLOCKED", (200, ""), (200, "")),
        ("BLOCKED", (401, "900907"), (401, "900907")),
        ("PROD_ONLY_BLOCKED", (401, "900907"), (200, "")),
        ("ON_HOLD", (401, "900909"), (401, "900909")),
        ("REJECTED", (401, "900909"), (401, "900909")),
        ("TIER_UPDATE_PENDING", (200, ""), (200, "")),
    ]
    for state, production, sand in expected:
        ready.publish(world.subscription("states", state=state))
        for key, wanted in ((token, production), (sandbox, sand)):
            answer = ready.gateway.call("/states/1.0/a", token=key)
            assert (answer.status, answer.json.get("code", "")) == wanted, state
    assert answer.json["target"] == "/base-sand/a"
    assert fault(ready, "/states/1.0/a", ready.signer.token("nobody")) == (403, "900908")
    assert fault(ready, "/pizza/1.0/menu", sandbox) == (403, "900901")
    ready.publish(("subscription", "sub-states-1", None))
    assert fault(ready, "/states/1.0/a", token) == (403, "900908")


def test_a_blocked_api_and_a_withdrawn_one(ready: Served) -> None:
    token = ready.signer.token()
    ready.publish(("api", "Default:id-block", world.api("block", ready.backend.url)), world.subscription("block"))
    assert ready.gateway.call("/block/1.0/a", token=token).status == 200
    ready.publish(("api", "Default:id-block", world.api("block", ready.backend.url, lifecycle="BLOCKED")))
    answer = ready.gateway.call("/block/1.0/a", token=token)
    assert answer.status == 503
    assert answer.body == (
        b'{"code":"700700","type":"API blocked","description":"This API has been blocked temporarily. '
        b'Please try again later or contact the system administrators."}'
    )
    ready.publish(("api", "Default:id-block", None))
    assert ready.gateway.call("/block/1.0/a", token=token).status == 404


def test_transports_audiences_and_key_managers(ready: Served) -> None:
    url = ready.backend.url
    ready.publish(
        ("api", "Default:id-tls", world.api("tls", url, transports=("https",))), world.subscription("tls"),
        ("api", "Default:id-aud", world.api("aud", url, audiences=("orders",))), world.subscription("aud"),
        ("api", "Default:id-okta", world.api("okta", url, key_managers=("Okta",))), world.subscription("okta"),
        ("api", "Default:id-head", world.api("head", url, authorization_header="X-Token")), world.subscription("head"),
    )  # fmt: skip
    token = ready.signer.token()
    assert ready.gateway.call("/tls/1.0/a", token=token).status == 404
    assert fault(ready, "/aud/1.0/a", token) == (403, "900914")
    assert ready.gateway.call("/aud/1.0/a", token=ready.signer.token(aud=["x", "orders"])).status == 200
    assert fault(ready, "/okta/1.0/a", token) == (401, "900901")
    answer = ready.gateway.call("/head/1.0/a", headers={"X-Token": f"Bearer {token}", "Authorization": "kept"})
    assert answer.json["headers"]["authorization"] == "kept"
    assert "x-token" not in answer.json["headers"]


def test_other_organisations_are_other_realms(ready: Served) -> None:
    stranger = world.Signer()
    acme = schema.KeyManager("acme.com", "Resident", world.ISSUER, stranger.jwks)
    theirs = world.api("theirs", ready.backend.url, organisation="acme.com", context="/t/acme.com/theirs/1.0")
    ready.publish(
        ("key_manager", "acme.com:Resident", acme), ("api", "Default:id-theirs", theirs),
        ("application", "app-acme", schema.Application("app-acme", "acme.com", "A", "x")),
        ("key", "acme.com:Resident:client-1", schema.Key("client-1", "acme.com:Resident", "app-acme")),
        ("subscription", "s-acme", schema.Subscription("s-acme", "id-theirs", "app-acme", "Unlimited")),
    )  # fmt: skip
    path = "/t/acme.com/theirs/1.0/a"
    assert ready.gateway.call(path, token=stranger.token()).status == 200
    assert fault(ready, path, ready.signer.token()) == (401, "900901")
    assert fault(ready, "/pizza/1.0/menu", stranger.token()) == (401, "900901")
    assert ready.gateway.call("/pizza/1.0/menu", token=ready.signer.token()).status == 200


def test_own_pages(ready: Served) -> None:
    gateway = ready.gateway
    assert gateway.call("/healthz").json == {"status": "alive"}
    assert gateway.call("/server-startup-healthcheck").status == 200
    assert gateway.ready()["status"] == "ready"
    assert gateway.call("/pizza/1.0/menu", token=ready.signer.token()).status == 200
    assert gateway.call("/pizza/1.0/menu").status == 401
    api = r'\{worker="\d+",organisation="carbon\.super",api="pizza",version="1\.0",'
    for line in (
        rf'^gateway_requests_total{api}status="200"\}} [1-9]',
        rf'^gateway_refusals_total{api}code="900902"\}} [1-9]',
        r'^gateway_seconds_bucket.*le="\+Inf"\} [1-9]',
    ):
        until(lambda line=line: re.search(line, gateway.call("/metrics").body.decode(), re.MULTILINE), what=line)
    assert gateway.call("/metrics", headers={"X-Forwarded-For": "8.8.8.8"}).status == 403


def test_logs_name_what_was_refused_and_hold_no_token(ready: Served) -> None:
    token = ready.signer.token()
    ready.gateway.call("/pizza/1.0/admin", token=token, headers={"activityid": "find-me"})
    lines = until(lambda: log_lines(ready, "find-me"), what="log lines")
    assert any('"refused"' in line and '"code": "900910"' in line and '"api": "pizza:1.0"' in line for line in lines)
    until(lambda: any('"gateway.access"' in line and '"status": 403' in line for line in log_lines(ready, "find-me")))
    assert token[:40] not in ready.gateway.log


def log_lines(served: Served, mark: str) -> list[str]:
    """Log lines with a mark."""
    return [line for line in served.gateway.log.splitlines() if mark in line]
