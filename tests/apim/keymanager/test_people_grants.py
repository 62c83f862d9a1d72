"""Authorization code with PKCE, refresh tokens, consent, OpenID Connect: completed by a real client library."""

from __future__ import annotations

import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import pytest
import requests
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from joserfc import jwt
from joserfc.jwk import KeySet
from oauth2_provider.models import get_grant_model, get_refresh_token_model
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, InvalidGrantError, WebApplicationClient
from requests_oauthlib import OAuth2Session

from apim.eventhub.models import Current
from apim.keymanager.actions.clients import create_client, update_client
from tests.apim.keymanager.conftest import CALLBACK, Registered

_opened: list[requests.Session] = []


@pytest.fixture(autouse=True)
def plain_http(monkeypatch):
    """The live server has no TLS; the library must accept that here."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    yield
    while _opened:
        _opened.pop().close()


def browser(user=None) -> Client:
    """A browser in which `user` is logged in."""
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)
    return client


def consent(session: Client, address: str, *, allow: bool = True):
    """Open the consent page and answer it, as a browser sends the form."""
    page = session.get(address)
    assert page.status_code == 200, page.text
    form = page.text.partition('class="stack">\n    <input')[2].partition('type="checkbox"')[0]
    fields = dict(re.findall(r'name="([^"]+)"[^>]*?value="([^"]*)"', form))
    return session.post(address, fields | ({"allow": "true"} if allow else {}))


def oauth_session(server, scope: str = "openid profile email") -> OAuth2Session:
    client = WebApplicationClient(server.client.client_id)
    _opened.append(OAuth2Session(client=client, redirect_uri=CALLBACK, scope=scope.split(), pkce="S256"))
    return _opened[-1]


def authorize(oauth: OAuth2Session, **fields: str) -> str:
    """The path that the library sends the browser to."""
    return oauth.authorization_url("http://testserver/oauth2/authorize", **fields)[0].removeprefix("http://testserver")


def code_for(user, oauth: OAuth2Session) -> str:
    """The address the browser is sent back to, with the code."""
    return consent(browser(user), authorize(oauth, nonce="n-0S6")).headers["Location"]


def exchange(server, oauth: OAuth2Session, back: str, **changes: str):
    """Swap the code for tokens by hand."""
    code = parse_qs(urlsplit(back).query)["code"][0]
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": oauth._code_verifier,
    }
    return server.post("/oauth2/token", **{k: v for k, v in (fields | changes).items() if v})


def tokens_for(server, user, scope: str = "openid profile email") -> dict:
    oauth = oauth_session(server, scope)
    return exchange(server, oauth, code_for(user, oauth)).json()


def claims_of(server, token: str) -> dict:
    keys = KeySet.import_key_set(server.get("/oauth2/jwks").json())
    return jwt.decode(token, keys, algorithms=["RS256"]).claims


def test_a_library_completes_client_credentials(live):
    oauth = OAuth2Session(client=BackendApplicationClient(live.client.client_id))
    _opened.append(oauth)
    found = oauth.fetch_token(f"{live.url}/oauth2/token", client_id=live.client.client_id, client_secret=live.secret)
    assert claims_of(live, found["access_token"])["sub"] == "developer"
    with pytest.raises(InvalidClientError):
        oauth.fetch_token(f"{live.url}/oauth2/token", client_id=live.client.client_id, client_secret="nope")


def test_a_library_completes_the_code_grant_with_pkce_and_refreshes(live, creator):
    oauth = oauth_session(live)
    back = code_for(creator, oauth)
    found = oauth.fetch_token(f"{live.url}/oauth2/token", authorization_response=back, client_secret=live.secret)
    claims = claims_of(live, found["access_token"])
    assert (claims["sub"], claims["aut"], claims["client_id"]) == ("creator", "APPLICATION_USER", live.client.client_id)
    identity = claims_of(live, found["id_token"])
    assert (identity["sub"], identity["aud"], identity["nonce"]) == ("creator", live.client.client_id, "n-0S6")
    assert identity["iss"] == claims["iss"]
    who = oauth.get(f"{live.url}/oauth2/userinfo").json()
    assert who == {"sub": "creator", "preferred_username": "creator", "email": "creator@example.org"}
    own = (live.client.client_id, live.secret)
    newer = oauth.refresh_token(f"{live.url}/oauth2/token", refresh_token=found["refresh_token"], auth=own)
    assert newer["refresh_token"] != found["refresh_token"]
    with pytest.raises(InvalidGrantError):
        oauth.fetch_token(f"{live.url}/oauth2/token", authorization_response=back, client_secret=live.secret)
    # A code that is shown twice was stolen: what was given for it ends, refreshed or not.
    with pytest.raises(InvalidGrantError):
        oauth.refresh_token(f"{live.url}/oauth2/token", refresh_token=newer["refresh_token"], auth=own)
    assert live.post("/oauth2/introspect", token=newer["access_token"]).json() == {"active": False}


def test_a_public_client_needs_no_secret_but_its_verifier(live, creator, developer, organisation):
    live.client, _ = create_client(
        by=developer,
        organisation=organisation,
        name="spa",
        grant_types=["authorization_code", "refresh_token"],
        callback_url=CALLBACK,
        public=True,
    )
    oauth = oauth_session(live, "openid")
    back = code_for(creator, oauth)
    found = oauth.fetch_token(f"{live.url}/oauth2/token", authorization_response=back, include_client_id=True)
    assert claims_of(live, found["access_token"])["sub"] == "creator"


def test_an_id_token_is_no_access_token(server, creator):
    found = tokens_for(server, creator)
    assert server.post("/oauth2/introspect", token=found["id_token"]).json() == {"active": False}
    for header in (f"Bearer {found['id_token']}", "", "Basic x"):
        assert server.get("/oauth2/userinfo", Authorization=header).status_code == 401


def test_the_answer_names_the_issuer_and_keeps_the_state(server, creator):
    address = authorize(oauth_session(server), state="s-1")
    found = parse_qs(urlsplit(consent(browser(creator), address).headers["Location"]).query)
    assert (found["state"], found["iss"]) == (["s-1"], ["https://localhost:9443/oauth2/token"])
    refused = parse_qs(urlsplit(consent(browser(creator), address, allow=False).headers["Location"]).query)
    assert refused["error"] == ["access_denied"]


def test_the_consent_page_may_lead_to_the_client_only(server, creator):
    policy = browser(creator).get(authorize(oauth_session(server))).headers["Content-Security-Policy"]
    assert "form-action 'self' https://client.example;" in policy


def test_a_code_works_once(server, creator):
    oauth = oauth_session(server)
    back = code_for(creator, oauth)
    assert exchange(server, oauth, back).status_code == 200
    assert exchange(server, oauth, back).json()["error"] == "invalid_grant"
    assert not get_grant_model().objects.exists()


def test_a_code_is_bound_to_its_verifier_address_and_client(server, creator, developer, organisation):
    other, other_secret = create_client(
        by=developer, organisation=organisation, name="o", grant_types=["authorization_code"], callback_url=CALLBACK
    )
    oauth = oauth_session(server)
    back = code_for(creator, oauth)
    for change in ({"code_verifier": "x" * 43}, {"code_verifier": ""}, {"redirect_uri": "https://evil.example/back"}):
        answer = exchange(server, oauth, back, **change)
        assert (answer.status_code, answer.json()["error"] in ("invalid_grant", "invalid_request")) == (400, True)
    stranger = Registered(other, other_secret)
    assert exchange(stranger, oauth, back).json()["error"] == "invalid_grant"
    assert exchange(server, oauth, back).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"code_challenge": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"response_type": "token"},
        {"response_type": "code token"},
        {"prompt": "none"},
    ],
)
def test_downgrades_and_shortcuts_give_no_code(server, creator, change):
    fields = {
        "response_type": "code",
        "client_id": server.client.client_id,
        "redirect_uri": CALLBACK,
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        "state": "s",
        "scope": "openid",
    } | change
    address = f"/oauth2/authorize?{urlencode({k: v for k, v in fields.items() if v})}"
    session = browser(creator)
    answer = session.get(address)
    if answer.status_code == 200:
        answer = consent(session, address)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(CALLBACK)
    assert "error=" in answer.headers["Location"]
    assert "code=" not in answer.headers["Location"].replace("code_challenge", "")


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example/back",
        "https://client.example/back/../x",
        "https://client.example.evil.example/back",
        "javascript:alert(1)",
    ],
)
def test_no_redirect_to_an_address_that_is_not_registered(server, creator, redirect_uri):
    query = urlencode({"response_type": "code", "client_id": server.client.client_id, "redirect_uri": redirect_uri})
    for session in (browser(creator), browser()):
        for extra in ("", "&prompt=none", "&prompt=login"):
            answer = session.get(f"/oauth2/authorize?{query}{extra}")
            target = urlsplit(answer.headers.get("Location", ""))
            assert (target.scheme, target.netloc) == ("", "")
            assert answer.status_code < 500


@pytest.mark.parametrize("client_id", ["", "nobody", "a%00b"])
def test_an_unknown_client_gets_a_page(server, creator, client_id):
    answer = browser(creator).get(f"/oauth2/authorize?response_type=code&client_id={client_id}")
    assert answer.status_code == 404


def test_people_of_another_organisation_are_not_asked(server, make_user, other_organisation):
    stranger = make_user(other_organisation, "Internal/subscriber")
    assert browser(stranger).get(authorize(oauth_session(server))).status_code == 403


def refresh(server, token: str, **fields: str):
    return server.post("/oauth2/token", grant_type="refresh_token", refresh_token=token, **fields)


def test_a_refresh_token_is_replaced_and_stored_as_a_hash(server, creator):
    found = tokens_for(server, creator)
    rows = list(get_refresh_token_model().objects.values_list("token", "access_token__token"))
    assert found["refresh_token"] not in str(rows)
    assert found["access_token"] not in str(rows)
    second = refresh(server, found["refresh_token"]).json()
    assert second["refresh_token"] != found["refresh_token"]
    claims = claims_of(server, second["access_token"])
    assert (claims["sub"], claims["aut"], claims["scope"]) == ("creator", "APPLICATION_USER", "openid profile email")
    narrowed = refresh(server, second["refresh_token"], scope="openid").json()
    assert narrowed["scope"] == "openid"
    assert refresh(server, narrowed["refresh_token"], scope="openid email").json()["error"] == "invalid_scope"


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="reads SQLite's query plans; PostgreSQL has statistics to go by"
)
def test_a_refresh_finds_its_rows_by_the_token_and_not_by_the_client(server, creator):
    """Else it costs more with every token that the client was given."""
    tables = ("oauth2_provider_refreshtoken", "oauth2_provider_accesstoken", "keymanager_opaquetoken")
    given = tokens_for(server, creator)["refresh_token"]
    with CaptureQueriesContext(connection) as asked:
        assert refresh(server, given).status_code == 200
    found = [one["sql"] for one in asked if one["sql"].startswith("SELECT")]
    found = [sql for sql in found if any(f'FROM "{table}"' in sql for table in tables)]
    assert found
    for sql in found:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = [row[3] for row in cursor.fetchall()]
        assert not [
            step for step in plan if step.startswith("SCAN") or "application_id" in step or "user_id" in step
        ], sql


def test_a_refresh_token_used_twice_ends_the_whole_family(server, creator):
    found = tokens_for(server, creator)
    second = refresh(server, found["refresh_token"]).json()
    assert refresh(server, found["refresh_token"]).json()["error"] == "invalid_grant"
    assert refresh(server, second["refresh_token"]).json()["error"] == "invalid_grant"
    jti = claims_of(server, second["access_token"])["jti"]
    assert Current.objects.filter(kind="revocation", key=jti).exists()
    assert server.post("/oauth2/introspect", token=second["access_token"]).json() == {"active": False}


def test_a_wrong_refresh_token_revokes_nothing(server, creator):
    found = tokens_for(server, creator)
    assert refresh(server, secrets.token_urlsafe()).json()["error"] == "invalid_grant"
    assert server.post("/oauth2/introspect", token=found["access_token"]).json()["active"] is True


def test_revoking_a_refresh_token_takes_its_access_token_along(server, creator):
    found = tokens_for(server, creator)
    assert server.post("/oauth2/introspect", token=found["refresh_token"]).json()["active"] is True
    assert server.post("/oauth2/revoke", token=found["refresh_token"]).status_code == 200
    assert refresh(server, found["refresh_token"]).json()["error"] == "invalid_grant"
    row = Current.objects.get(kind="revocation", key=claims_of(server, found["access_token"])["jti"])
    assert msgspec.json.decode(row.record)["expires"] == claims_of(server, found["access_token"])["exp"]
    assert server.post("/oauth2/introspect", token=found["refresh_token"]).json() == {"active": False}


def test_a_refresh_token_is_the_clients_and_the_users(server, creator, developer, organisation):
    found = tokens_for(server, creator)
    other, secret = create_client(by=developer, organisation=organisation, name="o", grant_types=["refresh_token"])
    stolen = server.post(
        "/oauth2/token",
        auth=(other.client_id, secret),
        grant_type="refresh_token",
        refresh_token=found["refresh_token"],
    )
    assert stolen.json()["error"] == "invalid_grant"
    creator.is_active = False
    creator.save()
    assert refresh(server, found["refresh_token"]).json()["error"] == "invalid_grant"


def test_without_the_refresh_grant_there_is_no_refresh_token(server, creator, developer):
    update_client(by=developer, client=server.client, grant_types=["authorization_code"])
    found = tokens_for(server, creator, "default")
    assert "refresh_token" not in found
    assert claims_of(server, found["access_token"])["scope"] == "default"


@pytest.mark.django_db(transaction=True)
def test_of_two_uses_at_the_same_time_one_wins(server, creator):
    if connection.vendor == "sqlite":
        pytest.skip(
            "an in-memory SQLite database has one connection, so there is no concurrency; run with --database=postgres"
        )
    found = tokens_for(server, creator)

    def use() -> tuple[int, str]:
        try:
            answer = refresh(server, found["refresh_token"])
            return answer.status_code, answer.json().get("error", "")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(job.result(30) for job in [pool.submit(use) for _ in range(4)])
    assert answers == [(200, ""), *[(400, "invalid_grant")] * 3]
