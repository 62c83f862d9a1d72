"""JWT bearer (RFC 7523), SAML 2.0 bearer (RFC 7522) and token exchange (RFC 8693), and what they refuse."""

from __future__ import annotations

import base64
import json

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from lxml import etree

from apim.keymanager.grants import EXCHANGE, JWT_BEARER, SAML_BEARER
from apim.keymanager.issue import access_token
from apim.keymanager.verify import verify
from tests.apim.keymanager.parties import IDP, Party, client_of, encoded, trust

pytestmark = pytest.mark.django_db
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name
JWT = "urn:ietf:params:oauth:token-type:jwt"


@pytest.fixture(scope="module")
def party() -> Party:
    return Party()


@pytest.fixture
def app(organisation, developer):
    return client_of(organisation, developer, JWT_BEARER, SAML_BEARER, EXCHANGE, "refresh_token")


def bearer(app, assertion: str, grant: str = JWT_BEARER, **fields: str):
    return app.post("/oauth2/token", grant_type=grant, assertion=assertion, **fields)


def error_of(answer) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")


def test_a_trusted_issuer_names_the_person(app, admin, organisation, creator, party):
    trust(admin, organisation, party)
    answer = bearer(app, party.jwt(sub="creator"), scope="openid default").json()
    claims = verify(answer["access_token"])
    assert (claims["sub"], claims["aut"], claims["client_id"]) == ("creator", "APPLICATION_USER", app.client.client_id)
    assert answer["scope"] == "openid default"
    assert answer["id_token"].count(".") == 2
    assert (
        app.post("/oauth2/token", grant_type="refresh_token", refresh_token=answer["refresh_token"]).status_code == 200
    )


def test_an_assertion_counts_once(app, admin, organisation, creator, party):
    trust(admin, organisation, party)
    assertion = party.jwt(sub="creator")
    assert bearer(app, assertion).status_code == 200
    assert error_of(bearer(app, assertion)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"exp": None},
        {"exp": 4_000_000_000},
        {"exp": "soon"},
        {"nbf": 4_000_000_000},
        {"jti": None},
        {"sub": None},
        {"sub": "nobody"},
        {"sub": "a\x00b"},
        {"header": {"kid": "other"}},
        {"header": {"typ": "at+jwt"}},
    ],
)
def test_an_assertion_that_is_not_for_us_or_not_now_is_refused(app, admin, organisation, creator, party, change):
    trust(admin, organisation, party)
    assert error_of(bearer(app, party.jwt(**{"sub": "creator"} | change))) == (400, "invalid_grant")


def test_forged_assertions_are_refused(app, admin, organisation, creator, party):
    trust(admin, organisation, party)
    head, body, signature = party.jwt(sub="creator").split(".")
    none = encoded(json.dumps({"alg": "none"}).encode())
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    public = OctKey.import_key(party.jwks.encode())
    confused = jwt.encode({"alg": "HS256", "kid": "k1"}, claims, public, algorithms=["HS256"])
    stranger = Party().jwt(sub="creator")
    for forged in (
        f"{none}.{body}.",
        f"{none}.{body}.{signature}",
        confused,
        stranger,
        f"{head}.{body}.",
        "x",
        "a.b.c",
        "é",
    ):
        assert error_of(bearer(app, forged)) == (400, "invalid_grant")
    assert error_of(bearer(app, "")) == (400, "invalid_request")


def test_an_issuer_is_trusted_in_its_organisation_only(app, admin, organisation, other_organisation, make_user, party):
    trust(make_user(other_organisation, "admin"), other_organisation, party)
    make_user(other_organisation, "Internal/subscriber", username="bob")
    assert error_of(bearer(app, party.jwt(sub="bob@acme.com"))) == (400, "invalid_grant")
    trust(admin, organisation, party)
    assert error_of(bearer(app, party.jwt(sub="bob@acme.com"))) == (400, "invalid_grant")


def test_strangers_never_pass_for_users(app, admin, organisation, creator, party):
    trust(admin, organisation, party, local_users=False)
    answer = bearer(app, party.jwt(sub="creator"), scope="openid").json()
    claims = verify(answer["access_token"])
    assert (claims["sub"], claims["idp"]) == ("creator", IDP)
    assert "refresh_token" not in answer
    assert "id_token" not in answer
    header = f"Bearer {answer['access_token']}"
    assert app.get("/oauth2/userinfo", Authorization=header).status_code == 401


def test_the_grant_is_the_clients_and_the_organisations(app, admin, organisation, developer, creator, party):
    trust(admin, organisation, party)
    plain = client_of(organisation, developer, "client_credentials")
    assert error_of(bearer(plain, party.jwt(sub="creator"))) == (400, "unauthorized_client")
    assert error_of(
        app.post("/oauth2/token", auth=(app.client.client_id, "x"), grant_type=JWT_BEARER, assertion="a")
    ) == (
        401,
        "invalid_client",
    )


def test_a_saml_assertion_names_the_person(app, admin, organisation, creator, party):
    trust(admin, organisation, party, "SAML")
    text = party.saml("creator")
    answer = bearer(app, text, SAML_BEARER)
    assert answer.status_code == 200, answer.text
    assert verify(answer.json()["access_token"])["sub"] == "creator"
    assert error_of(bearer(app, text, SAML_BEARER)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "change",
    [
        {"audience": "https://elsewhere.example"},
        {"recipient": "https://elsewhere.example"},
        {"issuer": "https://evil.example"},
        {"ends": -120},
        {"ends": 100_000},
        {"sign": False},
        {"identifier": ""},
    ],
)
def test_a_saml_assertion_that_is_not_for_us_is_refused(app, admin, organisation, creator, party, change):
    trust(admin, organisation, party, "SAML")
    try:
        text = party.saml("creator", **change)
    except Exception:  # the signer itself refuses an assertion without id
        text = party.saml("creator", **change, sign=False)
    assert error_of(bearer(app, text, SAML_BEARER)) == (400, "invalid_grant")


def test_wrapped_changed_and_dangerous_documents_are_refused(app, admin, organisation, creator, party):
    """Signature wrapping, a changed subject, another signer, entities, a document type."""
    trust(admin, organisation, party, "SAML")
    genuine = base64.urlsafe_b64decode(party.saml("developer") + "===")
    evil = etree.fromstring(base64.urlsafe_b64decode(party.saml("creator", sign=False) + "==="))
    evil.append(etree.fromstring(genuine))
    wrapped = etree.tostring(evil)
    moved = etree.fromstring(base64.urlsafe_b64decode(party.saml("creator", sign=False) + "==="))
    inner = etree.fromstring(genuine)
    signature = inner.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
    holder = moved.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
    moved.replace(holder, signature)
    etree.SubElement(signature, "{http://www.w3.org/2000/09/xmldsig#}Object").append(inner)
    bomb = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + genuine.replace(b"developer", b"&x;")
    cases = (
        wrapped,
        etree.tostring(moved),
        genuine.replace(b"developer", b"creator"),
        base64.urlsafe_b64decode(Party().saml("creator") + "==="),
        bomb,
        b"<a/>",
        b"no xml",
    )
    for case in cases:
        assert error_of(bearer(app, encoded(case), SAML_BEARER)) == (400, "invalid_grant")
    assert error_of(bearer(app, "%%%", SAML_BEARER)) == (400, "invalid_grant")


def exchange(app, token: str, kind: str = ACCESS_TOKEN, **fields: str):
    return app.post("/oauth2/token", grant_type=EXCHANGE, subject_token=token, subject_token_type=kind, **fields)


def test_our_own_token_is_exchanged_for_less(app, server, creator):
    subject, claims = access_token(server.client, scopes=["openid", "default"], lifetime=100, user=creator)
    answer = exchange(app, subject, scope="openid email")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["issued_token_type"] == JWT
    assert found["scope"] == "openid"
    assert "refresh_token" not in found
    new = verify(found["access_token"])
    assert (new["sub"], new["client_id"]) == ("creator", app.client.client_id)
    assert new["exp"] <= claims["exp"]
    assert error_of(exchange(app, subject, scope="email")) == (400, "invalid_scope")


def test_the_actor_is_told(app, server, creator, developer):
    subject, _ = access_token(server.client, scopes=["default"], lifetime=100, user=creator)
    actor, _ = access_token(server.client, scopes=["default"], lifetime=100, user=developer)
    found = exchange(app, subject, actor_token=actor, actor_token_type=ACCESS_TOKEN).json()
    assert verify(found["access_token"])["act"] == {"sub": "developer", "client_id": server.client.client_id}
    assert error_of(exchange(app, subject, actor_token=actor)) == (400, "invalid_request")
    assert error_of(exchange(app, subject, actor_token="x", actor_token_type=ACCESS_TOKEN)) == (400, "invalid_grant")


def test_a_foreign_token_is_exchanged_when_its_issuer_is_trusted(app, admin, organisation, creator, party):
    token = party.jwt(sub="creator")
    assert error_of(exchange(app, token, JWT)) == (400, "invalid_grant")
    trust(admin, organisation, party)
    found = exchange(app, token, JWT)
    assert found.status_code == 200, found.text
    assert verify(found.json()["access_token"])["sub"] == "creator"


def test_what_is_no_subject_is_not_exchanged(app, server, creator, other_organisation, make_user):
    own = server.token()["access_token"]
    assert error_of(exchange(app, own)) == (400, "invalid_grant")
    subject, _ = access_token(server.client, scopes=["default"], lifetime=-60, user=creator)
    assert error_of(exchange(app, subject)) == (400, "invalid_grant")
    good, _ = access_token(server.client, scopes=["default"], lifetime=60, user=creator)
    assert error_of(exchange(app, good, "urn:x")) == (400, "invalid_request")
    assert error_of(exchange(app, good, audience="https://api.example")) == (400, "invalid_target")
    stranger = make_user(other_organisation, "Internal/subscriber")
    there = client_of(other_organisation, stranger, EXCHANGE)
    assert error_of(exchange(there, good)) == (400, "invalid_grant")
    app.post("/oauth2/revoke", auth=(server.client.client_id, server.secret), token=good)
    assert error_of(exchange(app, good)) == (400, "invalid_grant")
