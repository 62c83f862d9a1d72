"""Dynamic registration (RFC 7591) and the client's own management of it (RFC 7592)."""

from __future__ import annotations

import base64
import json

import pytest
from django.test import Client

from apim.keymanager.models import OAuthClient
from tests.apim.keymanager.conftest import CALLBACK, Registered
from tests.apim.keymanager.parties import Party
from tests.support.people import PASSWORD

pytestmark = pytest.mark.django_db


def send(method: str, path: str, body: object = None, *, user: str = "", access: str = ""):
    basic = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"} if user else {"Authorization": f"Bearer {access}"} if access else {}
    client = Client(raise_request_exception=False)
    return client.generic(
        method, path, json.dumps(body) if body is not None else "", "application/json", headers=headers
    )


def register(user: str, **metadata: object):
    return send(
        "POST", "/oauth2/register", {"client_name": "Shop", "grant_types": ["client_credentials"]} | metadata, user=user
    )


def test_a_developer_registers_a_client_and_gets_tokens(developer):
    answer = register("developer", redirect_uris=[CALLBACK], grant_types=["client_credentials", "authorization_code"])
    assert answer.status_code == 201, answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    found = answer.json()
    assert found["registration_client_uri"].endswith(f"/oauth2/register/{found['client_id']}")
    assert (found["client_secret_expires_at"], found["response_types"]) == (0, ["code"])
    client = OAuthClient.objects.get(client_id=found["client_id"])
    assert found["registration_access_token"] not in str(OAuthClient.objects.values())
    assert not client.is_management, "it must not open the platform's own APIs"
    assert Registered(client, found["client_secret"]).token()["access_token"]


def test_the_client_reads_changes_and_deletes_itself(developer):
    made = register("developer").json()
    path, access = f"/oauth2/register/{made['client_id']}", made["registration_access_token"]
    read = send("GET", path, access=access)
    assert (read.status_code, read.json()["client_name"]) == (200, "Shop")
    assert "client_secret" not in read.json()
    body = {"client_id": made["client_id"], "client_name": "Store", "grant_types": ["client_credentials", "password"]}
    changed = send("PUT", path, body, access=access)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["client_name"], changed.json()["grant_types"]) == ("Store", body["grant_types"])
    newer = changed.json()["registration_access_token"]
    assert send("GET", path, access=access).status_code == 401, "the old access token was replaced"
    assert send("PUT", path, body | {"client_id": "other"}, access=newer).status_code == 400
    assert send("DELETE", path, access=newer).status_code == 204
    assert send("GET", path, access=newer).status_code == 401
    assert not OAuthClient.objects.filter(client_id=made["client_id"]).exists()


def test_a_registration_belongs_to_its_access_token(developer):
    mine, other = register("developer").json(), register("developer").json()
    for access in (other["registration_access_token"], "x", ""):
        answer = send("GET", f"/oauth2/register/{mine['client_id']}", access=access)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_strangers_and_people_without_the_role_do_not_register(developer, make_user, organisation):
    assert register("").status_code == 401
    make_user(organisation, "Internal/creator", username="writer")
    assert register("writer").status_code == 403


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"redirect_uris": ["http://shop.example/back"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://*.example/back"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"grant_types": ["authorization_code"]}, "invalid_redirect_uri"),
        ({"grant_types": ["telepathy"]}, "invalid_client_metadata"),
        ({"grant_types": "client_credentials"}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "magic"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "none"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "invalid_client_metadata"),
        ({"jwks": {"keys": []}}, "invalid_client_metadata"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}}, "invalid_client_metadata"),
        ({"jwks_uri": "http://169.254.169.254/"}, "invalid_client_metadata"),
        ({"access_token_format": "PAPER"}, "invalid_client_metadata"),
        ({"client_name": 7}, "invalid_client_metadata"),
        ({"client_name": "a\x00b"}, "invalid_client_metadata"),
        ({"post_logout_redirect_uris": ["ftp://x"]}, "invalid_client_metadata"),
    ],
)
def test_wrong_metadata_have_the_errors_of_the_standard(developer, metadata, error):
    answer = register("developer", **metadata)
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text


@pytest.mark.parametrize("body", [[], "x", None, 7])
def test_a_body_that_is_no_object_is_refused(developer, body):
    assert send("POST", "/oauth2/register", body, user="developer").status_code == 400


def test_a_private_key_client_registers_its_keys(developer):
    party = Party()
    made = register("developer", token_endpoint_auth_method="private_key_jwt", jwks=json.loads(party.jwks)).json()  # noqa: S106
    assert "client_secret" not in made
    assert made["jwks"]["keys"][0]["kid"] == "k1"
    private = json.loads(json.dumps({"keys": [party.key.as_dict(private=True)]}))
    assert register("developer", jwks=private).status_code == 400
