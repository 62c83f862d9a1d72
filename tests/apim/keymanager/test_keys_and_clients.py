"""Signing keys, resident key managers, OAuth clients and pruning, through the actions."""

from __future__ import annotations

import json
from datetime import timedelta

import msgspec
import pytest
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from joserfc import jws

from apim.accounts.models import AuditRow
from apim.errors import Conflict, Forbidden, Invalid, NotFound
from apim.eventhub.models import Current
from apim.keymanager import beat, residents, signing, tasks
from apim.keymanager.actions.clients import create_client, delete_client, regenerate_secret, update_client
from apim.keymanager.actions.key_managers import delete_key_manager, save_key_manager
from apim.keymanager.actions.signing_keys import remove_lapsed, rotate_key
from apim.keymanager.actions.tokens import GRACE, issue_test_token, prune_revocations, revoke_token
from apim.keymanager.errors import InvalidToken, NotClientOwner
from apim.keymanager.models import RESIDENT, KeyManager, RevokedToken, SigningKey
from apim.keymanager.verify import verify
from gateway import schema

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(organisation, developer):
    return create_client(by=developer, organisation=organisation, name="Shop", grant_types=["client_credentials"])[0]


def told(organisation, name: str = RESIDENT) -> schema.KeyManager | None:
    row = Current.objects.filter(kind="key_manager", key=f"{organisation.domain}:{name}").first()
    return msgspec.json.decode(row.record, type=schema.KeyManager) if row else None


def kid_of(token: str) -> str:
    return jws.extract_compact(token.encode()).headers()["kid"]


def kids(record: schema.KeyManager) -> set[str]:
    return {key["kid"] for key in json.loads(record.jwks)["keys"]}


def test_every_organisation_has_the_resident_key_manager(organisation, other_organisation):
    record = told(other_organisation)
    assert (record.issuer, record.client_claim, record.scope_claim) == (
        "https://localhost:9443/oauth2/token",
        "azp",
        "scope",
    )
    assert kids(record) == kids(told(organisation)) == {SigningKey.objects.get().kid}
    assert '"d"' not in record.jwks


def test_the_private_key_is_sealed(organisation):
    key = SigningKey.objects.get()
    assert "PRIVATE" not in key.private_pem
    assert key.kid not in key.private_pem


def test_rotation_signs_with_the_new_key_and_still_verifies_the_old(
    client, developer, admin, organisation, other_organisation
):
    old = issue_test_token(by=developer, client=client)["access_token"]
    first = SigningKey.objects.get()
    second = rotate_key(by=admin)
    meanwhile = issue_test_token(by=developer, client=client)["access_token"]
    assert kid_of(meanwhile) == kid_of(old) == first.kid
    SigningKey.objects.filter(pk=second.pk).update(created=timezone.now() - timedelta(seconds=signing.SPREADING))
    new = issue_test_token(by=developer, client=client)["access_token"]
    assert kid_of(new) == second.kid
    assert verify(old)
    assert verify(new)
    for owner in (organisation, other_organisation):
        assert kids(told(owner)) == {first.kid, second.kid}
    SigningKey.objects.filter(pk=first.pk).update(published_until=timezone.now() - timedelta(seconds=1))
    assert remove_lapsed() == 1
    assert kids(told(organisation)) == kids(told(other_organisation)) == {second.kid}
    assert verify(new)
    with pytest.raises(InvalidToken):
        verify(old)


def test_the_old_key_stays_until_the_longest_token_has_expired(client, developer, admin):
    update_client(by=developer, client=client, token_lifetime=5_000_000)
    rotate_key(by=admin)
    until = SigningKey.objects.get(retired__isnull=False).published_until
    assert until >= timezone.now() + timedelta(seconds=5_000_000)


def test_only_the_first_organisations_administrators_rotate(developer, make_user, other_organisation):
    for user in (developer, make_user(other_organisation, "admin")):
        with pytest.raises(Forbidden):
            rotate_key(by=user)


def test_a_changed_public_address_reaches_the_gateways(organisation, settings):
    settings.APIM = settings.APIM.model_copy(update={"public_url": "https://apis.example.org"})
    residents.refresh()
    assert told(organisation).issuer == "https://apis.example.org/oauth2/token"
    before = Current.objects.get(kind="key_manager").sequence
    residents.refresh()
    assert Current.objects.get(kind="key_manager").sequence == before


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"grant_types": []}, "grantTypes"),
        ({"grant_types": ["telepathy"]}, "grantTypes"),
        ({"grant_types": ["implicit"]}, "callbackUrl"),
        ({"grant_types": ["authorization_code"]}, "callbackUrl"),
        ({"callback_url": "http://shop.example/back"}, "callbackUrl"),
        ({"callback_url": "javascript:alert(1)"}, "callbackUrl"),
        ({"callback_url": "https://*.example/back"}, "callbackUrl"),
        ({"callback_url": "https://shop.example/#x"}, "callbackUrl"),
        ({"callback_url": "https://user@shop.example/"}, "callbackUrl"),
        ({"callback_url": "https://[::1"}, "callbackUrl"),
        ({"token_lifetime": 0}, "validityPeriod"),
        ({"token_lifetime": -1}, "validityPeriod"),
        ({"token_lifetime": 10**10}, "validityPeriod"),
        ({"key_type": "STAGING"}, "keyType"),
    ],
)
def test_a_wrong_field_is_named(organisation, developer, fields, wrong):
    values = {"name": "Shop", "grant_types": ["client_credentials"]} | fields
    with pytest.raises(Invalid) as raised:
        create_client(by=developer, organisation=organisation, **values)
    assert {field.field for field in raised.value.fields} == {wrong}


def test_a_client_is_its_owners(client, developer, creator, admin, make_user, other_organisation):
    stranger = make_user(other_organisation, "admin")
    for write in (regenerate_secret, delete_client, issue_test_token, update_client):
        with pytest.raises(NotClientOwner):
            write(by=creator, client=client)
        with pytest.raises(NotFound):
            write(by=stranger, client=client)
    assert update_client(
        by=admin, client=client, callback_url="https://a.example, http://localhost:3000"
    ).redirect_uris == ("https://a.example http://localhost:3000")
    delete_client(by=developer, client=client)
    assert list(AuditRow.objects.filter(action__startswith="oauth_client").values_list("action", flat=True)) == [
        "oauth_client.delete",
        "oauth_client.update",
        "oauth_client.create",
    ]


def test_the_audit_trail_holds_no_secret(organisation, developer):
    client, secret = create_client(
        by=developer, organisation=organisation, name="x", grant_types=["client_credentials"]
    )
    newer = regenerate_secret(by=developer, client=client)
    trail = str(list(AuditRow.objects.values()))
    assert client.client_id in trail
    assert secret not in trail
    assert newer not in trail


def test_a_test_token_is_as_the_grant_would_give(client, developer):
    answer = issue_test_token(by=developer, client=client, scopes=["apim:admin"], lifetime=120)
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("Bearer", 120, "default")
    claims = verify(answer["access_token"])
    assert (claims["sub"], claims["exp"] - claims["iat"]) == ("developer", 120)
    for seconds in (0, -1, 10**9):
        with pytest.raises(Invalid):
            issue_test_token(by=developer, client=client, lifetime=seconds)


def test_expired_revocations_are_forgotten_and_no_sooner(client, developer):
    token = issue_test_token(by=developer, client=client)["access_token"]
    assert revoke_token(token=token)
    assert prune_revocations() == 0
    RevokedToken.objects.update(expires=timezone.now() - timedelta(minutes=2))
    assert prune_revocations() == 1
    assert not Current.objects.filter(kind="revocation").exists()


def test_an_expired_token_needs_no_revocation(client, developer):
    token = issue_test_token(by=developer, client=client)["access_token"]
    claims = verify(token)
    expired = signing.sign(claims | {"exp": claims["iat"] - GRACE - 1}, typ="at+jwt")
    assert revoke_token(token=expired) is False
    assert not RevokedToken.objects.exists()


def test_a_token_that_gateways_take_out_of_leeway_can_be_revoked(client, developer):
    claims = verify(issue_test_token(by=developer, client=client)["access_token"])
    just_over = signing.sign(claims | {"exp": claims["iat"] - 2}, typ="at+jwt")
    assert revoke_token(token=just_over)
    assert Current.objects.filter(kind="revocation", key=claims["jti"]).exists()


def manager(organisation, **fields) -> KeyManager:
    values = {"name": "Keycloak", "issuer": "https://id.example/realms/x", "jwks": signing.jwks_text()} | fields
    return KeyManager(organisation=organisation, **values)


def test_further_key_managers_reach_the_gateways(admin, organisation):
    made = save_key_manager(by=admin, manager=manager(organisation, client_claim="client"))
    assert told(organisation, "Keycloak").client_claim == "client"
    made.enabled = False
    save_key_manager(by=admin, manager=made)
    assert told(organisation, "Keycloak").enabled is False
    delete_key_manager(by=admin, manager=made)
    assert told(organisation, "Keycloak") is None


@pytest.mark.parametrize(
    "fields",
    [
        {"issuer": "nowhere"},
        {"jwks": ""},
        {"jwks": "{}"},
        {"jwks": '{"keys":[]}'},
        {"jwks": '{"keys":[{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}]}'},
        {"jwks": "[1]"},
    ],
)
def test_a_key_manager_that_no_gateway_could_use_is_refused(admin, organisation, fields):
    with pytest.raises(Invalid):
        save_key_manager(by=admin, manager=manager(organisation, **fields))
    assert told(organisation, "Keycloak") is None


def test_the_resident_one_stays(admin, organisation):
    resident = KeyManager.objects.get(organisation=organisation, name=RESIDENT)
    with pytest.raises(Conflict):
        delete_key_manager(by=admin, manager=resident)
    resident.enabled, resident.issuer = False, "https://evil.example"
    save_key_manager(by=admin, manager=resident)
    assert told(organisation).enabled is False
    assert told(organisation).issuer == "https://localhost:9443/oauth2/token"


def test_the_chores_run_and_are_scheduled(client, developer, admin):
    token = issue_test_token(by=developer, client=client)["access_token"]
    revoke_token(token=token)
    rotate_key(by=admin)
    RevokedToken.objects.update(expires=timezone.now() - timedelta(minutes=2))
    SigningKey.objects.filter(retired__isnull=False).update(published_until=timezone.now() - timedelta(minutes=2))
    tasks.prune()
    assert not RevokedToken.objects.exists()
    assert SigningKey.objects.count() == 1
    for _ in range(2):
        beat.schedule()
    assert PeriodicTask.objects.get().task == "apim.keymanager.tasks.prune"
