"""What connectors ask of key managers that cannot run here: requests held against their makers' documentation."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from urllib3 import exceptions

from apim.errors import ApimError, Invalid
from apim.keymanager import connectors, outbound
from apim.keymanager.connectors.base import Access, KeyManagerFails, Wanted
from tests.support.fake_idp import FakeIdp

Start = Callable[[dict[Any, Any]], FakeIdp]
SERVICE = Wanted("dev_Shop_PRODUCTION", ("client_credentials",))
BROWSER = Wanted("dev_Shop_PRODUCTION", ("authorization_code", "refresh_token"), ("https://app.example/back",))
TOKEN = (200, {"access_token": "management-token", "expires_in": 60, "token_type": "Bearer"})


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts fakes that may be called, though they are on this machine."""
    monkeypatch.setattr(settings.APIM, "key_manager_networks", "127.0.0.0/8")
    running: list[FakeIdp] = []

    def begin(routes: dict[Any, Any]) -> FakeIdp:
        running.append(FakeIdp(routes))
        return running[-1]

    yield begin
    for one in running:
        one.stop()


def pair(user: str, password: str) -> str:
    """A Basic value."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_okta_by_its_dynamic_client_registration_api(start: Start) -> None:
    client = {
        "client_id": "0oa1", "client_secret": "made-there", "client_name": SERVICE.name,
        "grant_types": ["client_credentials"], "redirect_uris": [], "application_type": "service",
    }  # fmt: skip
    okta = start({
        ("POST", "/oauth2/v1/clients"): (201, client), ("GET", "/oauth2/v1/clients/0oa1"): (200, client),
        ("PUT", "/oauth2/v1/clients/0oa1"): (200, client), ("DELETE", "/oauth2/v1/clients/0oa1"): (204, None),
        ("POST", "/oauth2/v1/clients/0oa1/lifecycle/newSecret"): (200, client | {"client_secret": "newer"}),
    })  # fmt: skip
    access = Access("", f"{okta.url}/oauth2/v1/clients", {"apiKey": "00token"})
    clients = connectors.of("okta").clients
    made = clients.create(access, SERVICE)
    assert (made.client_id, made.secret) == ("0oa1", "made-there")
    first = okta.asked[0]
    assert first.headers["authorization"] == "SSWS 00token"
    assert first.body == {
        "client_name": SERVICE.name, "grant_types": ["client_credentials"], "redirect_uris": [], "response_types": ["token"],
        "token_endpoint_auth_method": "client_secret_basic", "application_type": "service",
    }  # fmt: skip
    clients.update(access, "0oa1", {}, BROWSER)
    assert okta.asked[1].body["client_id"] == "0oa1"
    assert (okta.asked[1].body["application_type"], okta.asked[1].body["response_types"]) == ("web", ["code"])
    assert clients.retrieve(access, "0oa1", {}).name == SERVICE.name
    assert clients.renew_secret(access, "0oa1", {}).secret == "newer"
    clients.delete(access, "0oa1", {})
    assert okta.calls()[-1] == ("DELETE", "/oauth2/v1/clients/0oa1")


def test_auth0_by_its_management_api(start: Start) -> None:
    client = {
        "client_id": "abc",
        "client_secret": "made-there",
        "name": SERVICE.name,
        "grant_types": ["client_credentials"],
    }
    auth0 = start({
        ("POST", "/oauth/token"): TOKEN, ("POST", "/api/v2/clients"): (201, client),
        ("POST", "/api/v2/client-grants"): (201, {"id": "cgr_1"}), ("PATCH", "/api/v2/clients/abc"): (200, client),
        ("DELETE", "/api/v2/clients/abc"): (204, None), ("POST", "/api/v2/clients/abc/rotate-secret"): (200, client),
    })  # fmt: skip
    given = {"client_id": "m2m", "client_secret": "s3 cret", "audience": "https://api.example"}
    access = Access(f"{auth0.url}/oauth/token", "", given)
    clients = connectors.of("Auth0").clients
    assert clients.create(access, SERVICE).client_id == "abc"
    token, made, grant = auth0.asked
    assert token.headers["authorization"] == pair("m2m", "s3%20cret")
    assert token.body == {"grant_type": "client_credentials", "audience": f"{auth0.url}/api/v2/"}
    assert made.headers["authorization"] == "Bearer management-token"
    assert (made.body["app_type"], made.body["grant_types"]) == ("non_interactive", ["client_credentials"])
    assert grant.body == {"client_id": "abc", "audience": "https://api.example", "scope": []}
    clients.update(access, "abc", {}, BROWSER)
    assert auth0.asked[-1].method == "PATCH" and auth0.asked[-1].body["callbacks"] == ["https://app.example/back"]
    assert auth0.asked[-1].body["app_type"] == "regular_web"
    assert clients.renew_secret(access, "abc", {}).secret == "made-there"
    clients.delete(access, "abc", {})


def test_auth0_a_half_made_client_is_removed(start: Start) -> None:
    auth0 = start({
        ("POST", "/oauth/token"): TOKEN, ("POST", "/api/v2/clients"): (201, {"client_id": "abc"}),
        ("POST", "/api/v2/client-grants"): (403, {"statusCode": 403, "error": "Forbidden", "message": "Insufficient scope"}),
        ("DELETE", "/api/v2/clients/abc"): (204, None),
    })  # fmt: skip
    access = Access(
        f"{auth0.url}/oauth/token", "", {"client_id": "m", "client_secret": "s", "audience": "https://api.example"}
    )
    with pytest.raises(Invalid, match="Forbidden"):
        connectors.of("Auth0").clients.create(access, SERVICE)
    assert auth0.calls()[-1] == ("DELETE", "/api/v2/clients/abc")


def test_entra_by_microsoft_graph(start: Start) -> None:
    graph = start({
        ("POST", "/tenant/oauth2/v2.0/token"): TOKEN,
        ("POST", "/v1.0/applications"): (201, {"id": "object", "appId": "app-1", "displayName": SERVICE.name}),
        ("POST", "/v1.0/servicePrincipals"): (201, {"id": "principal"}),
        ("POST", r"/v1.0/applications\(appId='app-1'\)/addPassword"): (200, {"secretText": "made-there", "keyId": "k1"}),
        ("POST", r"/v1.0/applications\(appId='app-1'\)/removePassword"): (204, None),
        ("GET", r"/v1.0/applications\(appId='app-1'\)"): (
            200, {"appId": "app-1", "displayName": "Shop", "web": {"redirectUris": ["https://app.example/back"]}},
        ),
        ("PATCH", r"/v1.0/applications\(appId='app-1'\)"): (204, None),
        ("DELETE", r"/v1.0/applications\(appId='app-1'\)"): (204, None),
    })  # fmt: skip
    given = {"client_id": "ours", "client_secret": "s", "graph_url": graph.url}
    access = Access(f"{graph.url}/tenant/oauth2/v2.0/token", "", given)
    clients = connectors.of("AzureAD").clients
    made = clients.create(access, BROWSER)
    assert (made.client_id, made.secret, made.handle) == ("app-1", "made-there", {"secret_id": "k1"})
    token, application, principal, password = graph.asked
    assert token.body == {"grant_type": "client_credentials", "scope": f"{graph.url}/.default"}
    assert application.body == {
        "displayName": BROWSER.name, "signInAudience": "AzureADMyOrg", "api": {"requestedAccessTokenVersion": 2},
        "web": {"redirectUris": ["https://app.example/back"]},
    }  # fmt: skip
    assert principal.body == {"appId": "app-1"}
    assert password.body == {"passwordCredential": {"displayName": "API platform"}}
    assert clients.retrieve(access, "app-1", made.handle).callback_urls == ("https://app.example/back",)
    clients.renew_secret(access, "app-1", made.handle)
    assert graph.asked[-1].body == {"keyId": "k1"}
    clients.update(access, "app-1", made.handle, SERVICE)
    clients.delete(access, "app-1", made.handle)
    assert graph.calls()[-1] == ("DELETE", "/v1.0/applications(appId='app-1')")


def test_keycloak_by_its_registration_service(start: Start) -> None:
    place = "/realms/shop/clients-registrations/openid-connect"
    managed = {"n": 0}

    def client(asked: Any) -> tuple[int, dict[str, Any]]:
        managed["n"] += 1
        token = {"registration_access_token": f"token-{managed['n']}"}
        return 200, {"client_id": "kc", "registration_client_uri": f"{keycloak.url}{place}/kc", **token}

    keycloak = start({
        ("POST", "/realms/shop/protocol/openid-connect/token"): TOKEN, ("POST", place): client,
        ("PUT", f"{place}/kc"): client, ("DELETE", f"{place}/kc"): (204, None),
    })  # fmt: skip
    realm = f"{keycloak.url}/realms/shop/protocol/openid-connect/token"
    access = Access(realm, keycloak.url + place, {"client_id": "registrar", "client_secret": "s"})
    clients = connectors.of("KeyCloak").clients
    made = clients.create(access, SERVICE)
    assert keycloak.asked[0].headers["authorization"] == pair("registrar", "s")
    assert keycloak.asked[1].headers["authorization"] == "Bearer management-token"
    changed = clients.update(access, "kc", made.handle, SERVICE)
    assert keycloak.asked[2].headers["authorization"] == "Bearer token-1"
    assert keycloak.asked[2].body["client_id"] == "kc"
    clients.delete(access, "kc", changed.handle)
    assert keycloak.asked[3].headers["authorization"] == "Bearer token-2"
    with pytest.raises(Invalid, match="cannot be renewed"):
        clients.renew_secret(access, "kc", changed.handle)


def test_wso2_identity_server_in_the_name_of_a_user(start: Start) -> None:
    place = "/api/identity/oauth2/dcr/v1.1/register"
    wso2 = start(
        {("POST", place): (201, {"client_id": "is1", "client_secret": "x"}), ("DELETE", f"{place}/is1"): (204, None)}
    )
    access = Access("", wso2.url + place, {"Username": "admin", "Password": "pass:word"})
    clients = connectors.of("WSO2-IS").clients
    made = clients.create(access, SERVICE)
    assert wso2.asked[0].headers["authorization"] == pair("admin", "pass:word")
    clients.delete(access, made.client_id, made.handle)
    assert wso2.calls()[-1] == ("DELETE", f"{place}/is1")


def test_a_management_address_at_another_server_gets_no_token_of_ours(start: Start) -> None:
    thief = start({("DELETE", ".*"): (204, None)})
    honest = start({("DELETE", "/register/c1"): (204, None)})
    handle = {"registration_access_token": "t", "registration_client_uri": f"{thief.url}/steal"}
    connectors.of("OIDC").clients.delete(Access("", f"{honest.url}/register", {}), "c1", handle)
    assert thief.asked == [] and honest.calls() == [("DELETE", "/register/c1")]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((400, {"error": "invalid_redirect_uri", "error_description": "https only"}), Invalid, "https only"),
        ((401, {"error": "invalid_token"}), KeyManagerFails, "401: invalid_token"),
        ((500, None), KeyManagerFails, "answered 500"),
        ((302, None), KeyManagerFails, "answered 302"),
        ((200, {"client_name": "no id"}), KeyManagerFails, "no client_id"),
    ],
)
def test_refusals_are_told_in_the_key_managers_words(
    start: Start, answer: Any, error: type[ApimError], words: str
) -> None:
    fake = start({("POST", "/register.*"): answer})
    with pytest.raises(error, match=words):
        connectors.of("OIDC").clients.create(Access("", f"{fake.url}/register?key=hidden", {}), SERVICE)


def test_no_answer_is_no_fault_of_the_caller_and_names_no_query() -> None:
    settings_networks = settings.APIM.key_manager_networks
    settings.APIM.key_manager_networks = "127.0.0.0/8"
    try:
        with pytest.raises(outbound.Unreachable) as told:
            outbound.call("GET", "http://127.0.0.1:1/path?secret=hidden")
    finally:
        settings.APIM.key_manager_networks = settings_networks
    assert str(told.value) == "http://127.0.0.1:1/path does not answer: the connection is refused."


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.NewConnectionError(None, "no route"), "it cannot be reached"),
        (exceptions.ConnectTimeoutError("late"), "it cannot be reached in time"),
        (exceptions.ReadTimeoutError(None, "/?token=hidden", "late"), "it takes too long"),
    ],
)
def test_what_failed_is_told_apart(monkeypatch: pytest.MonkeyPatch, error: Exception, words: str) -> None:
    class Pool:
        def __enter__(self) -> Pool:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def urlopen(self, *_: object, **__: object) -> None:
            raise error

    monkeypatch.setattr(outbound, "_pool", lambda parts: Pool())
    with pytest.raises(outbound.Unreachable) as told:
        outbound.call("GET", "https://idp.example/token?secret=hidden")
    assert str(told.value) == f"https://idp.example/token does not answer: {words}."


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest/meta-data", "http://10.1.2.3/", "http://localhost/",
        "http://[::ffff:127.0.0.1]/", "file:///etc/passwd", "http://user:pass@example.com/", "https://", "http://0.0.0.0/", "gopher://x/",
        "http://exa mple.com/", "http://example.com:0/",
    ],
)  # fmt: skip
def test_inner_and_odd_addresses_are_not_asked(url: str) -> None:
    with pytest.raises(outbound.Unreachable):
        outbound.call("GET", url)


def test_every_kind_says_what_it_needs_and_hides_what_is_secret() -> None:
    shown = {one["type"]: one for one in connectors.configurations()}
    assert set(shown) == {"OIDC", "KeyCloak", "Okta", "Auth0", "PingFederate", "Forgerock", "AzureAD", "WSO2-IS"}
    secret = {"client_secret", "apiKey", "Password", "initial_access_token"}
    for one in shown.values():
        assert all(field["mask"] == (field["name"] in secret) for field in one["configurations"])
    assert shown["Okta"]["defaultConsumerKeyClaim"] == "cid"
