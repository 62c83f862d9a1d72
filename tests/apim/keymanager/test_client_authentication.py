"""Clients prove themselves by a signed JWT (Authlib makes it), by certificate, or by secret, each only as registered."""

from __future__ import annotations

import base64
import json
import ssl
from urllib.parse import urlencode

import pytest
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from django.core.cache import cache
from django.test import Client

from apim.keymanager import guessing
from apim.keymanager.certificates import Certificate, presented
from apim.keymanager.client_auth import JWT_BEARER_CLIENT
from apim.keymanager.issue import access_token, issuer
from apim.keymanager.verify import verify
from tests.apim.keymanager.parties import Party, client_of, encoded
from tests.support.client_certificate import make_client_certificate

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def party() -> Party:
    return Party()


@pytest.fixture
def signing(organisation, developer, party):
    """A client that signs for itself."""
    app = client_of(organisation, developer, "client_credentials", auth_method="private_key_jwt", jwks=party.jwks)
    party.name = app.client.client_id
    return app


def assertion(party, **claims) -> dict[str, str]:
    token = party.jwt(**{"sub": party.name} | claims)
    return {"client_assertion_type": JWT_BEARER_CLIENT, "client_assertion": token, "grant_type": "client_credentials"}


def test_authlib_proves_itself_by_private_key_jwt(live_server, signing, party):
    method = PrivateKeyJWT(issuer(), headers={"kid": "k1"})
    session = OAuth2Session(signing.client.client_id, party.pem, token_endpoint_auth_method="private_key_jwt")  # noqa: S106
    session.register_client_auth_method(method)
    found = session.fetch_token(f"{live_server.url}/oauth2/token", grant_type="client_credentials")
    session.close()
    assert verify(found["access_token"])["client_id"] == signing.client.client_id


def test_an_assertion_is_good_once_and_for_us_only(signing, party):
    fields = assertion(party)
    assert signing.post("/oauth2/token", auth=None, **fields).status_code == 200
    assert signing.post("/oauth2/token", auth=None, **fields).status_code == 401, "replayed"
    wrong = ({"aud": "https://elsewhere.example"}, {"sub": "other"}, {"iss": "other"}, {"exp": 1}, {"jti": None})
    for change in wrong:
        assert signing.post("/oauth2/token", auth=None, **assertion(party, **change)).status_code == 401, change


def test_who_signs_cannot_come_with_the_secret(signing, party):
    secret = signing.post("/oauth2/token", grant_type="client_credentials")
    assert (secret.status_code, secret.json()["error"]) == (401, "invalid_client")
    fields = {
        "client_id": signing.client.client_id,
        "client_secret": signing.secret,
        "grant_type": "client_credentials",
    }
    assert signing.post("/oauth2/token", auth=None, **fields).status_code == 401


def test_a_client_with_a_secret_cannot_come_with_an_assertion(organisation, developer, party):
    app = client_of(organisation, developer, "client_credentials", jwks=party.jwks)
    party.name = app.client.client_id
    assert app.post("/oauth2/token", auth=None, **assertion(party)).status_code == 401


def test_forged_assertions_are_refused(signing, party):
    token = assertion(party)["client_assertion"]
    none = encoded(json.dumps({"alg": "none"}).encode()) + "." + token.split(".")[1] + "."
    stranger = Party(party.name).jwt(sub=party.name)
    for forged in (none, stranger, "x", ""):
        fields = assertion(party) | {"client_assertion": forged}
        assert signing.post("/oauth2/token", auth=None, **fields).status_code == 401
    assert (
        signing.post("/oauth2/token", auth=None, **assertion(party) | {"client_assertion_type": "x"}).status_code == 401
    )


def test_introspection_and_revocation_take_assertions(signing, party):
    token = signing.post("/oauth2/token", auth=None, **assertion(party)).json()["access_token"]
    proof = assertion(party)
    del proof["grant_type"]
    assert signing.post("/oauth2/introspect", auth=None, token=token, **proof).json()["active"] is True
    proof = assertion(party)
    assert signing.post("/oauth2/revoke", auth=None, token=token, **proof).status_code == 200
    proof = assertion(party)
    assert signing.post("/oauth2/introspect", auth=None, token=token, **proof).json() == {"active": False}


@pytest.fixture
def proxied(settings, tmp_path):
    """The test client stands for a proxy that tells the client's certificate."""
    changed = {"client_certificate_header": "X-Client-Cert", "trusted_proxies": "127.0.0.0/8"}
    settings.APIM = settings.APIM.model_copy(update=changed)
    return make_client_certificate(tmp_path, "shop")


def through_proxy(pem: str, **fields: str):
    """A token request with a certificate, its line breaks as blanks as proxies send it."""
    headers = {"X-Client-Cert": " ".join(pem.split())} if pem else {}
    fields = {"grant_type": "client_credentials"} | fields
    return Client().post(
        "/oauth2/token", urlencode(fields), content_type="application/x-www-form-urlencoded", headers=headers
    )


def certificate_of(proxied) -> str:
    text = proxied.pem
    return (
        text[text.index("-----BEGIN CERTIFICATE") :].partition("-----END CERTIFICATE-----")[0]
        + "-----END CERTIFICATE-----"
    )


def test_a_certificate_opens_by_its_subject_and_binds_the_token(organisation, developer, proxied, tmp_path):
    app = client_of(
        organisation,
        developer,
        "client_credentials",
        auth_method="tls_client_auth",
        tls_subject="CN=shop",
        bound_tokens=True,
    )
    name = app.client.client_id
    answer = through_proxy(certificate_of(proxied), client_id=name)
    assert answer.status_code == 200, answer.text
    claims = verify(answer.json()["access_token"])
    thumbprint = claims["cnf"]["x5t#S256"]
    assert len(thumbprint) == 43
    (tmp_path / "other").mkdir()
    other = make_client_certificate(tmp_path / "other", "other")
    assert through_proxy(certificate_of(other), client_id=name).status_code == 401
    assert through_proxy("", client_id=name).status_code == 401
    assert app.post("/oauth2/token", grant_type="client_credentials").status_code == 401, "the secret is no way around"


def test_a_self_signed_certificate_is_known_by_its_thumbprint(organisation, developer, proxied):
    der = ssl.PEM_cert_to_DER_cert(certificate_of(proxied))
    jwks = json.dumps({"keys": [{"kty": "EC", "x5c": [base64.b64encode(der).decode()]}]})
    app = client_of(organisation, developer, "client_credentials", auth_method="self_signed_tls_client_auth", jwks=jwks)
    assert through_proxy(certificate_of(proxied), client_id=app.client.client_id).status_code == 200
    app.client.jwks = '{"keys": []}'
    app.client.save()
    assert through_proxy(certificate_of(proxied), client_id=app.client.client_id).status_code == 401


def test_only_trusted_proxies_tell_certificates(organisation, developer, proxied, settings):
    app = client_of(organisation, developer, "client_credentials", auth_method="tls_client_auth", tls_subject="CN=shop")
    assert through_proxy(certificate_of(proxied), client_id=app.client.client_id).status_code == 200
    for change in ({"trusted_proxies": "10.0.0.0/8"}, {"trusted_proxies": ""}, {"client_certificate_header": ""}):
        before = settings.APIM
        settings.APIM = before.model_copy(update=change)
        assert through_proxy(certificate_of(proxied), client_id=app.client.client_id).status_code == 401
        settings.APIM = before


def test_a_bound_token_is_good_with_its_certificate_only(organisation, developer, creator, proxied):
    app = client_of(organisation, developer, "authorization_code", bound_tokens=True)
    der = ssl.PEM_cert_to_DER_cert(certificate_of(proxied))
    further = {"cnf": {"x5t#S256": Certificate(der, "").thumbprint}}
    token, _ = access_token(app.client, scopes=["openid"], lifetime=60, user=creator, further=further)
    headers = {"Authorization": f"Bearer {token}"}
    assert Client().get("/oauth2/userinfo", headers=headers).status_code == 401
    with_it = headers | {"X-Client-Cert": " ".join(certificate_of(proxied).split())}
    assert Client().get("/oauth2/userinfo", headers=with_it).status_code == 200


def test_guessing_secrets_ends_soon(server, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "secrets"}}
    cache.clear()
    wrong = (server.client.client_id, "wrong")
    for _ in range(guessing.MOST):
        assert server.post("/oauth2/token", auth=wrong, grant_type="client_credentials").status_code == 401
    assert server.post("/oauth2/token", grant_type="client_credentials").status_code == 401, (
        "the right one, after guessing"
    )
    cache.clear()
    assert server.post("/oauth2/token", grant_type="client_credentials").status_code == 200


def test_our_own_tls_shows_the_certificate(tmp_path):
    """gunicorn hands over the socket; what TLS checked is taken from it."""
    made = make_client_certificate(tmp_path, "shop")
    der = ssl.PEM_cert_to_DER_cert(certificate_of(made))

    class Socket:
        def getpeercert(self, binary_form: bool) -> bytes:
            return der

    found = presented({"gunicorn.socket": Socket()})
    assert found is not None
    assert found.subject == "CN=shop"
