"""What gateways ask the key manager, and what it signs for them: people, keys for backends, issuers that answer questions."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from apim.accounts.actions.organisations import update_organisation
from apim.accounts.throttle import LIMITS
from apim.errors import Invalid
from apim.eventhub.models import Current
from apim.keymanager import gateway_key, hooks, issue
from apim.keymanager.actions.key_managers import save_key_manager
from apim.keymanager.actions.signing_keys import rotate_key
from apim.keymanager.models import RESIDENT, KeyManager, SigningKey
from apim.keymanager.signing import jwks_text
from apim.keymanager.verify import verify_api_key
from gateway import schema
from gateway.auth import introspection
from gateway.auth.issuers import Issuer
from gateway.principal import Principal
from gateway.tokens.jwt import Rejected
from tests.support.people import PASSWORD, make_user
from wire.client import Client as WireClient

PEOPLE = "/internal/keymanager/v1/people"


def ask(body: object, secret: str = "") -> tuple[int, dict[str, object]]:
    shown = {"Authorization": f"Bearer {secret or settings.CLUSTER_SECRET}"}
    answer = Client(raise_request_exception=False).post(PEOPLE, body, content_type="application/json", headers=shown)
    return answer.status_code, answer.json()


def who(username: str, password: str = PASSWORD, organisation: str = "carbon.super") -> dict[str, object]:
    return {"organisation": organisation, "username": username, "password": password, "address": "203.0.113.7"}


def test_people(developer) -> None:
    assert ask(who("developer")) == (200, {"active": True, "username": "developer", "roles": ["Internal/subscriber"]})
    assert ask(who("developer", "wrong")) == (200, {"active": False})
    assert ask(who("nobody")) == (200, {"active": False})
    assert ask(who("developer", organisation="nowhere")) == (200, {"active": False})
    assert ask(who("developer"), "another secret")[0] == 401
    assert ask({"username": "developer"})[0] == 400
    assert ask(who("devel\0oper")) == (200, {"active": False})


def test_people_of_another_organisation_are_strangers(developer, other_organisation) -> None:
    assert ask(who("developer", organisation=other_organisation.domain)) == (200, {"active": False})


def test_guessing_locks_the_name_for_its_address(developer) -> None:
    for _ in range(LIMITS["pair"]):
        assert ask(who("developer", "wrong"))[1] == {"active": False}
    assert ask(who("developer"))[1] == {"active": False}
    assert ask(who("developer") | {"address": "203.0.113.8"})[1]["active"] is True


def test_the_key_for_backends_is_published_and_kept(db) -> None:
    path = gateway_key.ensure()
    assert path == gateway_key.ensure()
    assert path.stat().st_mode & 0o077 == 0
    key = RSAKey.import_key(path.read_text())
    signed = jwt.encode({"alg": "RS256", "kid": key.thumbprint()}, {"a": 1}, key)
    keys = KeySet.import_key_set(Client().get("/oauth2/jwks").json())
    assert jwt.decode(signed, keys).claims == {"a": 1}
    assert not any(key.is_private for key in keys.keys)
    assert key.thumbprint() not in jwks_text(), "gateways must not take a backend's JWT for a token of ours"


def test_issuers_that_are_asked(organisation, admin) -> None:
    manager = KeyManager(
        organisation=organisation, name="Okta", issuer="https://okta.example", introspection_url="https://okta.example/ask",
        introspection_user="gate",
    )  # fmt: skip
    save_key_manager(by=admin, manager=manager, introspection_password="s3cret-of-okta")
    record = json.loads(Current.objects.get(kind="key_manager", key=manager.key).record)
    assert (record["introspection_user"], record["introspection_password"]) == ("gate", "s3cret-of-okta")
    assert "resident" not in record
    assert "s3cret-of-okta" not in KeyManager.objects.get(pk=manager.pk).introspection_sealed
    save_key_manager(by=admin, manager=manager)
    assert "s3cret-of-okta" in Current.objects.get(kind="key_manager", key=manager.key).record
    for field, value in (("jwks_url", "ftp://x/y"), ("introspection_url", "https://user:pw@x/y")):
        other = KeyManager(organisation=organisation, name="Bad", issuer="https://x", **{field: value})
        with pytest.raises(Invalid) as refused:
            save_key_manager(by=admin, manager=other)
        assert field in [wrong.field for wrong in refused.value.fields]
    resident = Current.objects.get(kind="key_manager", key=f"{organisation.domain}:{RESIDENT}")
    assert json.loads(resident.record)["resident"] is True


def test_an_api_key_is_no_token_and_a_token_no_api_key(server) -> None:
    key, claims = issue.api_key(
        application={"uuid": "a"}, owner="developer", organisation="carbon.super", key_type="PRODUCTION", lifetime=60
    )
    assert verify_api_key(key) == claims
    answer = server.post("/oauth2/introspect", token=key).json()
    assert answer == {"active": False}
    with pytest.raises(Exception, match="not valid"):
        verify_api_key(server.token()["access_token"])


def test_a_rotated_key_stays_published_while_something_lives_longer(monkeypatch, admin) -> None:
    far = timezone.now() + timedelta(days=4000)
    monkeypatch.setattr(hooks, "_last_uses", [lambda: far, lambda: None])
    old = SigningKey.objects.get(retired=None)
    rotate_key(by=admin)
    old.refresh_from_db()
    assert old.published_until == far


def test_a_switched_off_organisation_has_no_people(other_organisation, admin) -> None:
    theirs = make_user(other_organisation, "Internal/subscriber", username="carol")
    question = who(theirs.username, organisation=other_organisation.domain)
    assert ask(question)[1] == {"active": True, "username": "carol@acme.com", "roles": ["Internal/subscriber"]}
    assert ask(question | {"username": "carol"})[1]["active"] is True
    update_organisation(by=admin, organisation=other_organisation, display_name="Acme", self_signup=True, active=False)
    assert ask(question) == (200, {"active": False})


def test_a_gateway_asks_our_own_introspection(live) -> None:
    token = live.token()["access_token"]
    record = schema.KeyManager(
        organisation="carbon.super",
        name="Ours",
        issuer=issue.issuer(),
        jwks="",
        introspection_url=f"{live.url}/oauth2/introspect",
        introspection_user=live.client.client_id,
        introspection_password=live.secret,
    )

    async def asked(credential: str) -> Principal:
        client = WireClient()
        try:
            return await introspection.ask(client, Issuer(record), credential.encode(), time.time(), 60)
        finally:
            await client.close()

    found = asyncio.run(asked(token))
    assert (found.client_id, found.subject, found.scopes) == (live.client.client_id, "developer", {"default"})
    assert time.time() < found.expires <= time.time() + 60
    live.post("/oauth2/revoke", token=token)
    for refused in (token, "not-a-token"):
        with pytest.raises(Rejected, match="not active"):
            asyncio.run(asked(refused))
