"""The admin pages: no secret is shown, writes go through actions, rotation needs a POST."""

from __future__ import annotations

import pytest
from django.contrib import admin as site
from django.test import Client
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from apim.accounts.actions.roles import set_roles
from apim.keymanager.actions.clients import create_client
from apim.keymanager.actions.tokens import issue_test_token, revoke_token
from apim.keymanager.models import RESIDENT, KeyManager, OAuthClient, SigningKey

pytestmark = pytest.mark.django_db
HTML = {"Accept": "text/html"}


def entered(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def boss(admin) -> Client:
    return entered(set_roles(by=None, user=admin, roles=["admin"]))


@pytest.fixture
def tenant_boss(make_user, other_organisation) -> Client:
    return entered(set_roles(by=None, user=make_user(other_organisation, username="boss"), roles=["admin"]))


@pytest.fixture
def client_and_secret(organisation, developer):
    return create_client(by=developer, organisation=organisation, name="Shop", grant_types=["client_credentials"])


def test_no_page_shows_a_secret_or_a_private_key(boss, client_and_secret, developer):
    client, secret = client_and_secret
    token = issue_test_token(by=developer, client=client)["access_token"]
    revoke_token(token=token)
    key = SigningKey.objects.get()
    pages = [
        f"oauthclient/{client.pk}/change/",
        f"signingkey/{key.pk}/change/",
        *(f"{name}/" for name in ("oauthclient", "signingkey", "revokedtoken", "keymanager")),
    ]
    text = "".join(boss.get(f"/admin/keymanager/{page}").content.decode() for page in pages)
    assert client.client_id in text
    assert key.kid in text
    for hidden in (secret, client.client_secret, key.private_pem, key.private_pem[:40], token, "PRIVATE"):
        assert hidden not in text


def test_the_librarys_own_pages_are_gone(boss):
    for model in (get_access_token_model(), get_refresh_token_model()):
        assert not site.site.is_registered(model)
    assert boss.get("/admin/oauth2_provider/accesstoken/").status_code == 404


def test_rotation_asks_first(boss):
    address = "/admin/keymanager/signingkey/rotate/"
    assert "Sign with a new key?" in boss.get(address, follow=True).content.decode()
    assert SigningKey.objects.count() == 1
    answer = boss.post(address, {"_form_submitted": "on"}, follow=True)
    assert answer.headers["HX-Redirect"] == "/admin/keymanager/signingkey/"
    assert SigningKey.objects.count() == 2


def test_tenants_administrators_do_not_see_keys_or_others_clients(tenant_boss, client_and_secret):
    client, _ = client_and_secret
    assert tenant_boss.get("/admin/keymanager/signingkey/", headers=HTML).status_code == 403
    assert (
        tenant_boss.post("/admin/keymanager/signingkey/rotate/", {"_form_submitted": "on"}, headers=HTML).status_code
        == 403
    )
    assert SigningKey.objects.count() == 1
    assert client.client_id not in tenant_boss.get("/admin/keymanager/oauthclient/").content.decode()
    address = f"/admin/keymanager/oauthclient/{client.pk}/delete/"
    tenant_boss.post(address, {"post": "yes"}, headers=HTML)
    assert OAuthClient.objects.filter(pk=client.pk).exists()


def test_a_client_is_deleted_by_its_action(boss, client_and_secret):
    client, _ = client_and_secret
    boss.post(f"/admin/keymanager/oauthclient/{client.pk}/delete/", {"post": "yes"})
    assert not OAuthClient.objects.filter(pk=client.pk).exists()


def test_a_key_manager_without_keys_is_explained(boss, organisation):
    fields = {"organisation": organisation.pk, "name": "Mine", "issuer": "https://id.example", "jwks": "{}"}
    fields |= {"client_claim": "azp", "scope_claim": "scope", "enabled": "on"}
    answer = boss.post("/admin/keymanager/keymanager/add/", fields, follow=True)
    assert "RFC 7517" in answer.content.decode()
    assert not KeyManager.objects.filter(name="Mine").exists()


def test_the_resident_key_manager_can_be_switched_off_but_not_changed(boss, organisation):
    resident = KeyManager.objects.get(organisation=organisation, name=RESIDENT)
    boss.post(f"/admin/keymanager/keymanager/{resident.pk}/change/", {"issuer": "https://evil.example"})
    resident.refresh_from_db()
    assert (resident.enabled, resident.issuer) == (False, "https://localhost:9443/oauth2/token")


def test_clients_are_called_what_people_call_them(boss) -> None:
    page = boss.get("/admin/keymanager/oauthclient/").content.decode()
    assert "OAuth client" in page and "o auth client" not in page
