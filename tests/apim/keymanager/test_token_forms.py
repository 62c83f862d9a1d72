"""Opaque and ES256 tokens, the implicit grant behind its switch, what a refresh revokes, free scopes, true metadata."""

from __future__ import annotations

import base64
import hashlib
import time
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import KeySet
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from apim.eventhub.models import Current
from apim.keymanager import signing
from apim.keymanager.actions.dynamic import set_security
from apim.keymanager.actions.signing_keys import rotate_key
from apim.keymanager.actions.trust import save_policy
from apim.keymanager.grants import GRANTS, ON_BY_DEFAULT
from apim.keymanager.models import KeyManager, OpaqueToken, RevokedToken, SigningKey, SpentCode, TokenPolicy
from apim.keymanager.residents import refresh as refresh_residents
from apim.keymanager.tasks import prune
from apim.keymanager.verify import verify
from gateway import schema
from gateway.auth.introspection import principal
from gateway.auth.issuers import Issuer
from tests.apim.keymanager.conftest import CALLBACK
from tests.apim.keymanager.parties import client_of
from tests.apim.keymanager.test_people_grants import browser, claims_of, consent, plain_http, refresh, tokens_for
from tests.support.people import PASSWORD

pytestmark = pytest.mark.django_db
__all__ = ["plain_http"]


def policy(admin, organisation, **columns) -> TokenPolicy:
    row = TokenPolicy.objects.filter(organisation=organisation).first() or TokenPolicy(organisation=organisation)
    for name, value in columns.items():
        setattr(row, name, value)
    return save_policy(by=admin, policy=row)


def opaque(server, admin) -> None:
    server.client.token_format = "OPAQUE"  # noqa: S105
    set_security(by=admin, client=server.client)


def test_an_opaque_token_says_nothing_but_works(server, admin, creator):
    opaque(server, admin)
    found = tokens_for(server, creator)
    token = found["access_token"]
    assert "." not in token
    assert token not in str(list(OpaqueToken.objects.values()))
    about = server.post("/oauth2/introspect", token=token).json()
    assert (about["active"], about["sub"], about["client_id"]) == (True, "creator", server.client.client_id)
    assert server.get("/oauth2/userinfo", Authorization=f"Bearer {token}").json()["sub"] == "creator"
    assert server.post("/oauth2/revoke", token=token).status_code == 200
    assert server.post("/oauth2/introspect", token=token).json() == {"active": False}
    assert not OpaqueToken.objects.exists()


def test_gateways_are_told_where_to_ask_about_opaque_tokens(server, admin):
    def record() -> schema.KeyManager:
        row = Current.objects.get(kind="key_manager", key="carbon.super:Resident Key Manager")
        return msgspec.json.decode(row.record, type=schema.KeyManager)

    assert record().introspection_url == "", "no API pays for what nobody uses"
    opaque(server, admin)
    told = record()
    assert told.introspection_url.endswith("/oauth2/introspect")
    token = server.token()["access_token"]
    about = server.post("/oauth2/introspect", auth=(told.introspection_user, told.introspection_password), token=token)
    found = principal(Issuer(told), about.json(), time.time(), 60.0)
    assert (found.client_id, found.subject, found.is_application) == (server.client.client_id, "developer", True)
    for pair in ((told.introspection_user, "x"), ("gateway@acme.com", told.introspection_password)):
        assert server.post("/oauth2/introspect", auth=pair, token=token).status_code == 401


def test_es256_is_a_setting(server, settings):
    before = server.token()["access_token"]
    settings.APIM = settings.APIM.model_copy(update={"token_algorithm": "ES256"})
    refresh_residents()
    told = msgspec.json.decode(Current.objects.get(kind="key_manager").record, type=schema.KeyManager)
    assert '"EC"' in told.jwks, "gateways hear of the key before anything is signed with it"
    SigningKey.objects.filter(algorithm="ES256").update(
        created=timezone.now() - timedelta(seconds=signing.SPREADING + 1)
    )
    after = server.token()["access_token"]
    keys = KeySet.import_key_set(server.get("/oauth2/jwks").json())
    assert jwt.decode(after, keys, algorithms=["ES256"]).header["alg"] == "ES256"
    assert verify(before)
    assert verify(after)
    assert server.get("/.well-known/openid-configuration").json()["id_token_signing_alg_values_supported"] == ["ES256"]


def test_no_call_is_refused_while_keys_change(server, admin, monkeypatch):
    """A verifier that knows what was published at the time accepts tokens from before, during and after a rotation."""
    known = [Current.objects.get(kind="key_manager").record]

    def accepts(token: str) -> bool:
        record = msgspec.json.decode(known[0], type=schema.KeyManager)
        keys = KeySet.import_key_set(msgspec.json.decode(record.jwks))
        return jwt.decode(token, keys, algorithms=list(record.algorithms)).claims["sub"] == "developer"

    before = server.token()["access_token"]
    stale = known[0]
    new = rotate_key(by=admin)
    during = server.token()["access_token"]
    assert accepts(during), "a gateway that has not heard of the new key yet"
    known[0] = Current.objects.get(kind="key_manager").record
    assert known[0] != stale
    SigningKey.objects.filter(pk=new.pk).update(created=timezone.now() - timedelta(seconds=signing.SPREADING + 1))
    after = server.token()["access_token"]
    keys = KeySet.import_key_set(server.get("/oauth2/jwks").json())
    assert jwt.decode(after, keys, algorithms=["RS256"]).header["kid"] == new.kid
    assert all(map(accepts, (before, during, after)))
    prune()
    assert all(map(accepts, (before, during, after)))


def implicit_answer(app, person, **fields: str):
    query = {"response_type": "id_token token", "client_id": app.client.client_id, "redirect_uri": CALLBACK}
    address = f"/oauth2/authorize?{urlencode(query | {'scope': 'openid', 'nonce': 'n1', 'state': 's'} | fields)}"
    session = browser(person)
    page = session.get(address)
    return page if page.status_code != 200 else consent(session, address)


def test_implicit_is_off_until_it_is_switched_on(organisation, developer, admin, creator):
    app = client_of(organisation, developer, "implicit", "refresh_token")
    refused = implicit_answer(app, creator).headers["Location"]
    assert "unauthorized_client" in refused
    assert "token" not in Client().get("/.well-known/openid-configuration").json()["response_types_supported"]
    policy(admin, organisation, grants=list(GRANTS))
    back = urlsplit(implicit_answer(app, creator).headers["Location"])
    found = {name: values[0] for name, values in parse_qs(back.fragment).items()}
    assert back.query == ""
    assert verify(found["access_token"])["sub"] == "creator"
    assert "refresh_token" not in found
    assert (found["state"], found["iss"]) == ("s", "https://localhost:9443/oauth2/token")
    half = hashlib.sha256(found["access_token"].encode()).digest()[:16]
    identity = claims_of(app, found["id_token"])
    assert identity["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    assert identity["nonce"] == "n1"
    assert not get_access_token_model().objects.exists(), "an implicit token leaves no row"


def test_every_grant_has_a_switch(server, admin, organisation, creator):
    tokens = tokens_for(server, creator)
    policy(admin, organisation, grants=[])
    assert server.post("/oauth2/token", grant_type="client_credentials").json()["error"] == "unauthorized_client"
    assert refresh(server, tokens["refresh_token"]).json()["error"] == "unauthorized_client"
    grants = Client().get("/.well-known/oauth-authorization-server").json()["grant_types_supported"]
    assert grants == []


def test_the_metadata_tell_the_truth(server):
    found = Client().get("/oauth2/token/.well-known/openid-configuration").json()
    assert set(found["grant_types_supported"]) == set(ON_BY_DEFAULT)
    for name, address in found.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            path = urlsplit(address).path
            assert Client().options(path).status_code != 404, name
    assert "tls_client_auth" not in found["token_endpoint_auth_methods_supported"], "nothing tells certificates here"


def test_a_refresh_revokes_the_token_it_replaces(server, admin, organisation, creator):
    first = tokens_for(server, creator)
    second = refresh(server, first["refresh_token"]).json()
    jti = claims_of(server, first["access_token"])["jti"]
    assert Current.objects.filter(kind="revocation", key=jti).exists()
    assert server.post("/oauth2/introspect", token=first["access_token"]).json() == {"active": False}
    assert server.post("/oauth2/introspect", token=second["access_token"]).json()["active"] is True
    policy(admin, organisation, revoke_replaced=False)
    refresh(server, second["refresh_token"])
    assert server.post("/oauth2/introspect", token=second["access_token"]).json()["active"] is True


def test_a_device_has_tokens_of_its_own(organisation, developer, creator):
    """`device_<id>` scopes are given freely, and what happens to one device's tokens leaves the other's alone."""
    app = client_of(organisation, developer, "password", "refresh_token")
    answers = [
        app.post(
            "/oauth2/token", grant_type="password", username="creator", password=PASSWORD, scope=f"device_{name}"
        ).json()
        for name in ("a", "b")
    ]
    assert [one["scope"] for one in answers] == ["device_a", "device_b"]
    renewed = refresh(app, answers[0]["refresh_token"]).json()
    assert renewed["scope"] == "device_a"
    assert app.post("/oauth2/introspect", token=answers[0]["access_token"]).json() == {"active": False}
    assert app.post("/oauth2/introspect", token=answers[1]["access_token"]).json()["active"] is True


def test_scopes_on_the_allow_list_need_no_right(server, admin, organisation):
    assert server.token(scope="orders:read")["scope"] == "default"
    policy(admin, organisation, scope_allow_list=["^orders:.*$"])
    assert server.token(scope="orders:read apim:admin")["scope"] == "orders:read"


def test_issuing_touches_the_same_rows_however_many_tokens_there_were(server):
    server.token()
    with CaptureQueriesContext(connection) as queries:
        server.token()
    texts = [query["sql"] for query in queries]
    assert not [text for text in texts if text.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert len(texts) <= 4, texts
    assert not get_access_token_model().objects.exists()
    assert not get_refresh_token_model().objects.exists()


def test_the_beat_task_forgets_what_is_over(server, creator):
    tokens_for(server, creator)
    past = timezone.now() - timedelta(days=2)
    RevokedToken.objects.create(jti="x", expires=past)
    SpentCode.objects.update(expires=past)
    OpaqueToken.objects.create(checksum="x", jti="x", claims={}, expires=past)
    prune()
    assert not RevokedToken.objects.exists()
    assert not SpentCode.objects.exists()
    assert not OpaqueToken.objects.exists()
    assert KeyManager.objects.exists()
