"""Authorization code with PKCE, refresh tokens, consent, OpenID Connect: completed by a real client library."""

from __future__ import annotations

import re
import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import pytest
import requests
from django.conf import settings as django_settings
from django.test import Client
from joserfc import jwt
from joserfc.jwk import KeySet
from oauth2_provider.models import get_grant_model, get_refresh_token_model
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, InvalidGrantError, WebApplicationClient
from requests_oauthlib import OAuth2Session

from apim.eventhub.models import Current
from apim.keymanager.actions.clients import create_client, update_client
from tests.apim.keymanager.conftest import CALLBACK

_opened: list[requests.Session] = []


@pytest.fixture(autouse=True)
def plain_http(settings, monkeypatch):
    """The live server has no TLS; the library and the cookies must accept that here."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    yield
    while _opened:
        _opened.pop().close()


def browser(user) -> requests.Session:
    """A session in which `user` is logged in."""
    client = Client()
    client.force_login(user)
    session = requests.Session()
    _opened.append(session)
    session.cookies.set(django_settings.SESSION_COOKIE_NAME, client.cookies[django_settings.SESSION_COOKIE_NAME].value)
    return session


def consent(session: requests.Session, address: str, *, allow: bool = True) -> requests.Response:
    """Open the consent page and answer it, as a browser sends the form."""
    page = session.get(address, timeout=10, allow_redirects=False)
    assert page.status_code == 200, page.text
    fields = dict(
        re.findall(
            r'name="([^"]+)"[^>]*?value="([^"]*)"', page.text.partition('class="row"')[2].partition("<button")[0]
        )
    )
    answer = {"allow": "true"} if allow else {}
    return session.post(address, data=fields | answer, timeout=10, allow_redirects=False, headers={"Referer": address})


def oauth_session(server, scope: str = "openid profile email") -> OAuth2Session:
    client = WebApplicationClient(server.client.client_id)
    _opened.append(OAuth2Session(client=client, redirect_uri=CALLBACK, scope=scope.split(), pkce="S256"))
    return _opened[-1]


def code_for(server, user, oauth: OAuth2Session) -> str:
    """The address the browser is sent back to, with the code."""
    address, _ = oauth.authorization_url(f"{server.url}/oauth2/authorize", nonce="n-0S6")
    return consent(browser(user), address).headers["Location"]


def tokens_for(server, user, scope: str = "openid profile email") -> tuple[OAuth2Session, dict]:
    oauth = oauth_session(server, scope)
    back = code_for(server, user, oauth)
    found = oauth.fetch_token(f"{server.url}/oauth2/token", authorization_response=back, client_secret=server.secret)
    return oauth, found


def claims_of(server, token: str) -> dict:
    keys = KeySet.import_key_set(requests.get(f"{server.url}/oauth2/jwks", timeout=10).json())
    return jwt.decode(token, keys, algorithms=["RS256"]).claims


def test_a_library_completes_client_credentials(server):
    oauth = OAuth2Session(client=BackendApplicationClient(server.client.client_id))
    _opened.append(oauth)
    found = oauth.fetch_token(
        f"{server.url}/oauth2/token", client_id=server.client.client_id, client_secret=server.secret
    )
    assert claims_of(server, found["access_token"])["sub"] == "developer"
    with pytest.raises(InvalidClientError):
        oauth.fetch_token(f"{server.url}/oauth2/token", client_id=server.client.client_id, client_secret="nope")


def test_a_library_completes_the_code_grant_with_pkce(server, creator):
    oauth, found = tokens_for(server, creator)
    claims = claims_of(server, found["access_token"])
    assert (claims["sub"], claims["aut"], claims["client_id"]) == (
        "creator",
        "APPLICATION_USER",
        server.client.client_id,
    )
    identity = claims_of(server, found["id_token"])
    assert (identity["sub"], identity["aud"], identity["nonce"]) == ("creator", server.client.client_id, "n-0S6")
    assert identity["iss"] == claims["iss"]
    who = oauth.get(f"{server.url}/oauth2/userinfo").json()
    assert who == {"sub": "creator", "preferred_username": "creator", "email": "creator@example.org"}
    assert requests.get(f"{server.url}/oauth2/userinfo", timeout=10).status_code == 401


def test_an_id_token_is_no_access_token(server, creator):
    _, found = tokens_for(server, creator)
    assert server.post("/oauth2/introspect", token=found["id_token"]).json() == {"active": False}
    headers = {"Authorization": f"Bearer {found['id_token']}"}
    assert requests.get(f"{server.url}/oauth2/userinfo", headers=headers, timeout=10).status_code == 401


def test_the_answer_names_the_issuer_and_keeps_the_state(server, creator):
    oauth = oauth_session(server)
    address, state = oauth.authorization_url(f"{server.url}/oauth2/authorize")
    found = parse_qs(urlsplit(consent(browser(creator), address).headers["Location"]).query)
    assert (found["state"], found["iss"]) == ([state], ["https://localhost:9443/oauth2/token"])
    refused = parse_qs(urlsplit(consent(browser(creator), address, allow=False).headers["Location"]).query)
    assert refused["error"] == ["access_denied"]


def test_a_code_works_once(server, creator):
    oauth = oauth_session(server)
    back = code_for(server, creator, oauth)
    oauth.fetch_token(f"{server.url}/oauth2/token", authorization_response=back, client_secret=server.secret)
    with pytest.raises(InvalidGrantError):
        oauth.fetch_token(f"{server.url}/oauth2/token", authorization_response=back, client_secret=server.secret)
    assert not get_grant_model().objects.exists()


def test_a_code_is_bound_to_its_verifier_address_and_client(server, creator, developer, organisation):
    other, other_secret = create_client(
        by=developer, organisation=organisation, name="o", grant_types=["authorization_code"], callback_url=CALLBACK
    )
    oauth = oauth_session(server)
    code = parse_qs(urlsplit(code_for(server, creator, oauth)).query)["code"][0]
    right = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": oauth._code_verifier,
    }
    for change in ({"code_verifier": "x" * 43}, {"redirect_uri": "https://evil.example/back"}):
        assert server.post("/oauth2/token", **(right | change)).json()["error"] in ("invalid_grant", "invalid_request")
    without = {name: value for name, value in right.items() if name != "code_verifier"}
    assert server.post("/oauth2/token", **without).status_code == 400
    assert (
        server.post("/oauth2/token", auth=(other.client_id, other_secret), **right).json()["error"] == "invalid_grant"
    )
    assert server.post("/oauth2/token", **right).status_code == 200


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
    address = f"{server.url}/oauth2/authorize?{urlencode({k: v for k, v in fields.items() if v})}"
    session = browser(creator)
    answer = session.get(address, timeout=10, allow_redirects=False)
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
    visitor = requests.Session()
    _opened.append(visitor)
    for session in (browser(creator), visitor):
        for extra in ("", "&prompt=none"):
            answer = session.get(f"{server.url}/oauth2/authorize?{query}{extra}", timeout=10, allow_redirects=False)
            target = urlsplit(answer.headers.get("Location", ""))
            assert target.netloc in ("", urlsplit(server.url).netloc)
            assert target.scheme in ("", "http")


@pytest.mark.parametrize("client_id", ["", "nobody", "a%00b"])
def test_an_unknown_client_gets_a_page(server, creator, client_id):
    answer = browser(creator).get(f"{server.url}/oauth2/authorize?response_type=code&client_id={client_id}", timeout=10)
    assert answer.status_code == 404


def test_people_of_another_organisation_are_not_asked(server, make_user, other_organisation):
    stranger = make_user(other_organisation, "Internal/subscriber")
    address, _ = oauth_session(server).authorization_url(f"{server.url}/oauth2/authorize")
    assert browser(stranger).get(address, timeout=10, allow_redirects=False).status_code == 403


def refresh(server, token: str, **fields: str) -> requests.Response:
    return server.post("/oauth2/token", grant_type="refresh_token", refresh_token=token, **fields)


def test_a_refresh_token_is_replaced_and_stored_as_a_hash(server, creator):
    _, found = tokens_for(server, creator)
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


def test_a_refresh_token_used_twice_ends_the_whole_family(server, creator):
    _, found = tokens_for(server, creator)
    second = refresh(server, found["refresh_token"]).json()
    assert refresh(server, found["refresh_token"]).json()["error"] == "invalid_grant"
    assert refresh(server, second["refresh_token"]).json()["error"] == "invalid_grant"
    jti = claims_of(server, second["access_token"])["jti"]
    assert Current.objects.filter(kind="revocation", key=jti).exists()
    assert server.post("/oauth2/introspect", token=second["access_token"]).json() == {"active": False}


def test_a_wrong_refresh_token_revokes_nothing(server, creator):
    _, found = tokens_for(server, creator)
    assert refresh(server, secrets.token_urlsafe()).json()["error"] == "invalid_grant"
    assert server.post("/oauth2/introspect", token=found["access_token"]).json()["active"] is True


def test_revoking_a_refresh_token_takes_its_access_token_along(server, creator):
    _, found = tokens_for(server, creator)
    assert server.post("/oauth2/introspect", token=found["refresh_token"]).json()["active"] is True
    assert server.post("/oauth2/revoke", token=found["refresh_token"]).status_code == 200
    assert refresh(server, found["refresh_token"]).json()["error"] == "invalid_grant"
    row = Current.objects.get(kind="revocation", key=claims_of(server, found["access_token"])["jti"])
    assert msgspec.json.decode(row.record)["expires"] == claims_of(server, found["access_token"])["exp"]
    assert server.post("/oauth2/introspect", token=found["refresh_token"]).json() == {"active": False}


def test_a_refresh_token_is_the_clients_and_the_users(server, creator, developer, organisation):
    _, found = tokens_for(server, creator)
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
    _, found = tokens_for(server, creator, "default")
    assert "refresh_token" not in found
    assert claims_of(server, found["access_token"])["scope"] == "default"


def test_a_public_client_needs_no_secret_but_its_verifier(server, creator, developer, organisation):
    client, _ = create_client(
        by=developer,
        organisation=organisation,
        name="spa",
        grant_types=["authorization_code", "refresh_token"],
        callback_url=CALLBACK,
        public=True,
    )
    oauth = OAuth2Session(
        client=WebApplicationClient(client.client_id), redirect_uri=CALLBACK, scope=["openid"], pkce="S256"
    )
    server.client = client
    back = code_for(server, creator, oauth)
    found = oauth.fetch_token(f"{server.url}/oauth2/token", authorization_response=back, include_client_id=True)
    assert claims_of(server, found["access_token"])["sub"] == "creator"
