"""Key managers elsewhere: what may be saved, what is shown, what gateways are told, who may use them; and why a token fails."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.test import Client
from joserfc import jwk, jwt
from rest_framework.test import APIClient

from apim.accounts.actions.roles import set_roles
from apim.accounts.models import AuditRow
from apim.eventhub.models import Current, Event
from apim.keymanager.actions.clients import create_client
from apim.keymanager.actions.tokens import issue_test_token, revoke_token
from apim.keymanager.models import RESIDENT, KeyManager
from apim.keymanager.queries import key_managers
from apim.keymanager.trial import try_token
from gateway import schema
from gateway.tokens.jwt import Rejected, Token, check_signature
from gateway.tokens.verifier import Verifier

pytestmark = pytest.mark.django_db
PATH = "/api/am/admin/v4/key-managers"
KEY = jwk.RSAKey.generate_key(2048, {"kid": "k1"})
BODY: dict[str, Any] = {
    "name": "Corporate", "type": "OIDC", "issuer": "https://id.example",
    "certificates": {"type": "JWKS", "value": json.dumps({"keys": [KEY.as_dict(private=False)]})},
    "additionalProperties": {"client_id": "ours", "client_secret": "hush-hush"},
}  # fmt: skip


def rest(user: Any) -> APIClient:
    """The admin REST in somebody's name."""
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def boss(admin: Any) -> APIClient:
    return rest(admin)


def add(boss: APIClient, **changes: Any) -> dict[str, Any]:
    """A key manager, added by REST."""
    answer = boss.post(PATH, BODY | changes, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def told(name: str = "Corporate") -> schema.KeyManager:
    """What gateways were told of it."""
    row = Current.objects.get(kind="key_manager", key=f"carbon.super:{name}")
    return schema.KeyManager(
        **{k: tuple(map(tuple, v)) if k == "claim_mapping" else v for k, v in _plain(row.record).items()}
    )


def _plain(record: Any) -> dict[str, Any]:
    return json.loads(record) if isinstance(record, str | bytes) else dict(record)


def signed(header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token of the corporate issuer."""
    now = int(time.time())
    full = {
        "iss": "https://id.example",
        "sub": "ann",
        "azp": "c1",
        "scope": "a b",
        "iat": now,
        "exp": now + 600,
    } | claims
    head = {"alg": "RS256", "kid": "k1"} | (header or {})
    return jwt.encode(head, {n: v for n, v in full.items() if v is not None}, KEY, algorithms=["RS256"])


def test_secrets_are_kept_sealed_masked_and_unwritten(boss: APIClient) -> None:
    made = add(boss)
    assert made["additionalProperties"] == {"client_id": "ours", "client_secret": "*****"}
    row = KeyManager.objects.get(name="Corporate")
    rows = json.dumps(
        [row.properties, row.properties_sealed, *AuditRow.objects.values_list("after", flat=True)], default=str
    )
    assert "hush-hush" not in rows
    # Sent back as it was shown, left out, replaced, removed.
    for given, kept in (("*****", "hush-hush"), (None, "hush-hush"), ("newer", "newer"), ("", "")):
        changed = dict(BODY["additionalProperties"], client_secret=given)
        boss.put(f"{PATH}/{made['id']}", BODY | {"additionalProperties": changed}, format="json")
        assert told().introspection_password == kept
    assert told().introspection_user == "ours"


def test_gateways_are_told_at_once(boss: APIClient) -> None:
    last = Event.objects.latest("sequence").sequence
    made = add(boss, claimMapping=[{"remoteClaim": "upn", "localClaim": "sub"}], alias="https://api.example")
    record = told()
    assert (record.claim_mapping, record.audience, record.enabled) == ((("upn", "sub"),), "https://api.example", True)
    assert "PS256" in record.algorithms and "HS256" not in record.algorithms
    boss.put(f"{PATH}/{made['id']}", BODY | {"tokenType": "EXCHANGED"}, format="json")
    assert not told().enabled
    boss.put(f"{PATH}/{made['id']}", BODY | {"tokenType": "BOTH", "alias": "https://api.example"}, format="json")
    assert (told().enabled, told().audience) == (True, "")
    boss.delete(f"{PATH}/{made['id']}")
    assert not Current.objects.filter(kind="key_manager", key="carbon.super:Corporate").exists()
    assert Event.objects.filter(sequence__gt=last, kind="key_manager").count() == 4


def test_tokens_are_asked_about_when_keys_are_not_to_be_used(boss: APIClient) -> None:
    add(boss, enableSelfValidationJWT=False, introspectionEndpoint="https://id.example/introspect")
    assert (told().jwks, told().jwks_url, told().introspection_url) == ("", "", "https://id.example/introspect")
    assert Verifier(told()).introspects_all


def test_an_address_that_a_provider_does_not_have_may_be_called_none(boss: APIClient) -> None:
    """So guides of the original tell people to enter it."""
    made = add(boss, introspectionEndpoint="none", scopeManagementEndpoint="None")
    assert (made["introspectionEndpoint"], told().introspection_url) == ("", "")
    assert boss.post(PATH, BODY | {"name": "B", "issuer": "none"}, format="json").status_code == 400


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "Nonesuch"}, "type"),
        ({"issuer": "not an address"}, "issuer"),
        ({"issuer": ""}, "issuer"),
        ({"tokenEndpoint": "ftp://id.example"}, "tokenEndpoint"),
        ({"tokenEndpoint": "https://user:pass@id.example/t"}, "tokenEndpoint"),
        ({"certificates": {"type": "PEM", "value": "nonsense"}}, "certificates.value"),
        ({"certificates": {"type": "JWKS", "value": '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'}}, "certificates.value"),
        ({"certificates": {"type": "JWKS", "value": ""}}, "certificates.value"),
        ({"certificates": "text"}, "certificates"),
        ({"claimMapping": [{"remoteClaim": "x"}]}, "claimMapping[0].localClaim"),
        ({"tokenValidation": [{"type": "JWT", "value": {"body": {"a": "("}}}]}, "tokenValidation[0]"),
        ({"tokenValidation": [{"type": "JWT", "value": {"other": {}}}]}, "tokenValidation[0]"),
        ({"tokenValidation": [{"type": "REFERENCE", "value": "(?=x)"}]}, "tokenValidation[0]"),
        ({"permissions": {"permissionType": "ALLOW", "roles": []}}, "permissions.roles"),
        ({"tokenType": "SOMEHOW"}, "tokenType"),
        ({"type": "Okta", "enableOAuthAppCreation": True}, "additionalProperties.apiKey"),
        ({"additionalProperties": {"a": {"b": 1}}}, "additionalProperties.a"),
        ({"enableSelfValidationJWT": False}, "introspectionEndpoint"),
        ({"wellKnownEndpoint": "http://127.0.0.1/", "issuer": ""}, "wellKnownEndpoint"),
        ({"name": "a/b"}, "name"),
        ({"availableGrantTypes": [1]}, "availableGrantTypes"),
    ],
)
def test_mistakes_name_the_field_of_the_contract(boss: APIClient, changes: dict[str, Any], field: str) -> None:
    answer = boss.post(PATH, BODY | changes, format="json")
    assert answer.status_code == 400, answer.content
    assert field in [one["field"] for one in answer.json()["error"]]
    assert not KeyManager.objects.exclude(name=RESIDENT).exists()


def test_names_are_unique_and_stay(boss: APIClient) -> None:
    made = add(boss)
    assert boss.post(PATH, BODY, format="json").status_code == 409
    assert boss.put(f"{PATH}/{made['id']}", BODY | {"name": "Other"}, format="json").status_code == 409


def test_writes_look_at_the_entity_tag(boss: APIClient) -> None:
    address = f"{PATH}/{add(boss)['id']}"
    tag = boss.get(address).headers["ETag"]
    assert boss.get(address, headers={"If-None-Match": tag}).status_code == 304
    assert boss.put(address, BODY | {"description": "x"}, format="json", headers={"If-Match": tag}).status_code == 200
    assert boss.put(address, BODY, format="json", headers={"If-Match": tag}).status_code == 412


def test_others_neither_see_nor_change_them(
    boss: APIClient, make_user: Any, other_organisation: Any, developer: Any
) -> None:
    made = add(boss)
    stranger = rest(make_user(other_organisation, "admin"))
    assert [one["name"] for one in stranger.get(PATH).json()["list"]] == [RESIDENT]
    for method in ("get", "put", "delete"):
        assert getattr(stranger, method)(f"{PATH}/{made['id']}", BODY, format="json").status_code == 404
    assert rest(developer).get(PATH).status_code == 403
    assert APIClient().get(PATH).status_code == 401
    assert boss.get(f"{PATH}/nonsense").status_code == 404


def test_the_resident_one_stays_what_it_is(boss: APIClient, organisation: Any) -> None:
    row = KeyManager.objects.get(organisation=organisation, name=RESIDENT)
    body = BODY | {"name": RESIDENT, "enabled": False, "displayName": "Our own", "tokenType": "EXCHANGED", "alias": "x"}
    answer = boss.put(f"{PATH}/{row.pk}", body, format="json")
    assert answer.status_code == 200, answer.content
    row.refresh_from_db()
    assert (row.enabled, row.display_name, row.token_type, row.alias) == (False, "Our own", "DIRECT", "")
    assert row.issuer != "https://id.example" and row.properties_sealed == ""
    assert boss.delete(f"{PATH}/{row.pk}").status_code == 409


def test_discovery_that_fails_says_why(boss: APIClient) -> None:
    answer = boss.post(
        f"{PATH}/discover", {"url": "http://127.0.0.1:9/.well-known/openid-configuration", "type": "OIDC"}
    )
    assert (answer.status_code, answer.json()["valid"]) == (200, False)
    assert "inner network" in answer.json()["description"]


@pytest.mark.parametrize(
    ("permission", "roles", "seen"),
    [("PUBLIC", [], True), ("ALLOW", ["Internal/subscriber"], True), ("ALLOW", ["gold"], False),
     ("DENY", ["Internal/subscriber"], False), ("DENY", ["gold"], True), ("ALLOW", ["Internal/everyone"], True)],
)  # fmt: skip
def test_roles_open_key_managers_in_the_portal(
    boss: APIClient, developer: Any, permission: str, roles: list[str], seen: bool
) -> None:
    add(boss, permissions={"permissionType": permission, "roles": roles})
    names = [one.name for one in key_managers(developer, developer.organisation)]
    assert names == [RESIDENT, "Corporate"] if seen else [RESIDENT]
    shown = rest(developer).get("/api/am/devportal/v3/key-managers").json()["list"]
    assert ("Corporate" in [one["name"] for one in shown]) is seen


def certificate(key: Any) -> str:
    """A self-signed certificate of an RSA key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "id.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize("kid", ["whatever", None])
def test_a_certificate_stands_for_any_key_name(boss: APIClient, kid: str | None) -> None:
    key = rsa.generate_private_key(65537, 2048)
    add(boss, certificates={"type": "PEM", "value": certificate(key)})
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    verifier, header = Verifier(told()), {"alg": "RS256"} | ({"kid": kid} if kid else {})
    token = jwt.encode(header, {"iss": "https://id.example"}, jwk.import_key(pem, "RSA"), algorithms=["RS256"])
    check_signature(Token(token.encode()), verifier)
    forged = jwt.encode(header, {"iss": "https://id.example"}, KEY, algorithms=["RS256"])
    with pytest.raises(Rejected, match="signature"):
        check_signature(Token(forged.encode()), verifier)


def last(organisation: Any, token: str) -> tuple[str, str]:
    """Title and state of the last step, without what the portal knows."""
    step = try_token(organisation, token, None).steps[-1]
    return step.title, step.state


@pytest.mark.parametrize(
    ("token", "step"),
    [
        (lambda: signed(), ("Consumer key", "pass")),
        (lambda: "a.b.c", ("Form", "fail")),
        (lambda: "opaque", ("Issuer", "fail")),
        (lambda: "", ("Form", "fail")),
        (lambda: signed({"typ": "apikey+jwt"}), ("Kind", "fail")),
        (lambda: signed({"typ": "logout+jwt"}), ("Kind", "fail")),
        (lambda: signed(iss="https://else.example"), ("Issuer", "fail")),
        (lambda: signed({"kid": "k9"}), ("Key", "fail")),
        (lambda: signed()[:-6] + "AAAAAA", ("Signature", "fail")),
        (lambda: signed(exp=1_000_000_000), ("Time", "fail")),
        (lambda: signed(exp=None), ("Time", "fail")),
        (lambda: signed(nbf=int(time.time()) + 900), ("Time", "fail")),
        (lambda: signed(azp=None), ("Consumer key", "fail")),
    ],
)
def test_a_token_is_explained_up_to_its_first_fault(
    boss: APIClient, organisation: Any, token: Any, step: tuple[str, str]
) -> None:
    add(boss)
    assert last(organisation, token()) == step


def test_a_revoked_token_of_our_own_is_named(boss: APIClient, organisation: Any, developer: Any) -> None:
    client, _ = create_client(by=developer, organisation=organisation, name="Shop", grant_types=["client_credentials"])
    token = issue_test_token(by=developer, client=client)["access_token"]
    assert last(organisation, token) == ("Consumer key", "pass")
    revoke_token(token=token)
    assert last(organisation, token) == ("Revocation", "fail")


def test_the_page_shows_the_steps_and_never_the_token(
    boss: APIClient, admin: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    add(boss)
    pages = Client()
    pages.force_login(set_roles(by=None, user=admin, roles=["admin"]))
    address = "/admin/keymanager/keymanager/test-token/"
    assert "Paste a token" in pages.get(address, follow=True).content.decode()
    token = signed(team="<b>blue</b>")
    answer = pages.post(address, {"token": token}, follow=True)
    text = answer.content.decode()
    assert "No application has the client c1" in text and "&lt;b&gt;blue" in text
    written = capsys.readouterr()
    for place in (
        text,
        caplog.text,
        written.out,
        written.err,
        json.dumps(list(AuditRow.objects.values_list("after", flat=True))),
    ):
        assert token.split(".")[2] not in place
    assert "no-store" in answer.headers["Cache-Control"]


def test_adding_begins_with_the_kinds_and_asks_for_what_the_kind_needs(admin: Any, organisation: Any) -> None:
    pages = Client()
    pages.force_login(set_roles(by=None, user=admin, roles=["admin"]))
    address = "/admin/keymanager/keymanager/add/"
    assert "Microsoft Entra ID" in pages.get(address).content.decode()
    form = pages.get(f"{address}?kind=Okta").content.decode()
    assert "API token" in form and 'value="cid"' in form and "Initial access token" not in form
    fields = {
        "organisation": organisation.pk, "name": "Okta", "kind": "Okta", "issuer": "https://o.example", "enabled": "on",
        "jwks": BODY["certificates"]["value"], "client_claim": "cid", "scope_claim": "scp", "setting_apiKey": "00secret",
        "claim_mapping": "upn = sub\nhttp://a.example/x=y = z", "roles": "gold, silver", "permission": "DENY",
        "token_type": "DIRECT",
        "self_validate": "on", "enable_app_creation": "on", "grant_types": "client_credentials",
    }  # fmt: skip
    answer = pages.post(address, fields, follow=True)
    row = KeyManager.objects.filter(name="Okta").first()
    assert row is not None, answer.content.decode()
    assert (row.kind, row.roles, row.permission) == ("Okta", ["gold", "silver"], "DENY")
    assert row.claim_mapping[1] == {"remoteClaim": "http://a.example/x=y", "localClaim": "z"}
    shown = pages.get(f"/admin/keymanager/keymanager/{row.pk}/change/").content.decode()
    assert "00secret" not in shown and row.properties_sealed not in shown
    pages.post(f"/admin/keymanager/keymanager/{row.pk}/change/", fields | {"setting_apiKey": "", "description": "x"})
    row.refresh_from_db()
    assert row.description == "x" and row.properties_sealed


def test_settings_of_the_admin_contract_list_the_kinds(boss: APIClient) -> None:
    kinds = boss.get("/api/am/admin/v4/settings").json()["keyManagerConfiguration"]
    assert {"Okta", "Auth0", "KeyCloak", "WSO2-IS"} <= {one["type"] for one in kinds}
    assert settings.APIM.key_manager_networks == ""
