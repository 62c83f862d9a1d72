"""Applications, keys and subscriptions through the actions: rules, audit, and what gateways are told."""

from __future__ import annotations

import pytest

from apim.accounts.models import AuditRow, Organisation, User
from apim.errors import Conflict, Forbidden, Invalid, NotFound
from apim.keymanager.actions import clients
from apim.keymanager.models import OAuthClient
from portal.actions import applications, keys, subscriptions
from portal.errors import NotAvailable
from portal.models import Application, ApplicationKey, Subscription
from publisher.models import State
from tests.portal.builders import current, make_api, make_application, make_key, make_subscription

pytestmark = pytest.mark.django_db


def test_an_application_is_created_changed_and_deleted_with_what_hangs_on_it(developer: User) -> None:
    application = make_application(developer, "Shop", policy="10PerMin", description="sells")
    assert current("application", application.pk) == {
        "id": str(application.pk),
        "organisation": "carbon.super",
        "name": "Shop",
        "owner": "developer",
        "policy": "10PerMin",
    }
    applications.update_application(by=developer, application=application, name="Store", policy="20PerMin")
    assert current("application", application.pk)["policy"] == "20PerMin"
    key, subscription = make_key(application), make_subscription(application, make_api(developer.organisation))
    name = f"{key.key_manager.key}:{key.consumer_key}"
    assert current("key", name) and current("subscription", subscription.pk)

    applications.delete_application(by=developer, application=application)

    assert not current("application", application.pk)
    assert not current("key", name)
    assert not current("subscription", subscription.pk)
    assert not OAuthClient.objects.filter(client_id=key.consumer_key).exists()
    assert not Subscription.objects.exists()
    actions = set(AuditRow.objects.filter(actor="developer").values_list("action", flat=True))
    assert {
        "application.create",
        "application.update",
        "application.delete",
        "key.generate",
        "subscription.delete",
    } <= actions


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"description": "x" * 513}, "description"),
        ({"policy": "Gold"}, "throttlingPolicy"),
        ({"policy": "Nothing"}, "throttlingPolicy"),
        ({"token_type": "SAML"}, "tokenType"),
    ],
)
def test_a_bad_application_is_refused_by_field(developer: User, fields: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        applications.create_application(by=developer, **{"name": "Shop", **fields})
    assert [error.field for error in refused.value.fields] == [field]


def test_the_name_is_unique_for_its_owner_only(developer: User, admin: User) -> None:
    make_application(developer, "Shop")
    make_application(admin, "Shop")
    with pytest.raises(Conflict, match="Shop"):
        make_application(developer, "Shop")


def test_only_developers_make_applications(creator: User) -> None:
    with pytest.raises(Forbidden):
        make_application(creator)


def test_keys_are_one_per_type_and_their_secret_works_once_shown(developer: User) -> None:
    application = make_application(developer)
    key, secret = keys.generate_keys(
        by=developer, application=application, key_type="SANDBOX", grant_types=["client_credentials"], token_lifetime=60
    )
    assert len(secret) >= 32
    assert secret not in key.client.client_secret
    assert current("key", f"{key.key_manager.key}:{key.consumer_key}")["key_type"] == "SANDBOX"
    with pytest.raises(Conflict):
        make_key(application, "SANDBOX")
    make_key(application, "PRODUCTION")
    fresh = keys.regenerate_secret(by=developer, key=key)
    assert fresh != secret
    token = keys.issue_test_token(by=developer, key=key)
    assert token["expires_in"] == 60 and token["access_token"].count(".") == 2


@pytest.mark.parametrize(
    "fields",
    [{"key_type": "STAGING"}, {"grant_types": ["carrier_pigeon"]}, {"grant_types": []}, {"key_manager": "Keycloak"}],
)
def test_bad_keys_are_refused(developer: User, fields: dict[str, object]) -> None:
    application = make_application(developer)
    wanted = {"key_type": "PRODUCTION", "grant_types": ["client_credentials"], **fields}
    with pytest.raises(Invalid) as refused:
        keys.generate_keys(by=developer, application=application, **wanted)
    assert refused.value.fields
    assert not ApplicationKey.objects.exists()


def test_an_existing_client_is_mapped_by_who_knows_its_secret_and_survives_the_key(developer: User) -> None:
    client, secret = clients.create_client(
        by=developer,
        organisation=developer.organisation,
        name="mine",
        grant_types=["client_credentials"],
        key_type="PRODUCTION",
    )
    application = make_application(developer)
    wanted = {"application": application, "key_type": "PRODUCTION", "consumer_key": client.client_id}
    with pytest.raises(Invalid):
        keys.map_keys(by=developer, consumer_secret="guess", **wanted)
    key = keys.map_keys(by=developer, consumer_secret=secret, **wanted)
    assert current("key", f"{key.key_manager.key}:{client.client_id}")["application"] == str(application.pk)
    with pytest.raises(Conflict, match="belongs to an application"):
        keys.map_keys(by=developer, consumer_secret=secret, **{**wanted, "application": make_application(developer)})
    keys.delete_keys(by=developer, key=key)
    assert OAuthClient.objects.filter(pk=client.pk).exists()
    assert not current("key", f"{key.key_manager.key}:{client.client_id}")


def test_a_subscription_lives_from_subscribe_to_unsubscribe(developer: User, publisher_user: User) -> None:
    api, application = make_api(developer.organisation), make_application(developer)
    row = subscriptions.subscribe(by=developer, application=application, api=api, plan="Gold")
    told = current("subscription", row.pk)
    assert (told["api"], told["application"], told["plan"]) == (str(api.pk), str(application.pk), "Gold")
    with pytest.raises(Conflict, match="already"):
        subscriptions.subscribe(by=developer, application=application, api=api, plan="Bronze")
    subscriptions.change_plan(by=developer, subscription=row, plan="Bronze")
    assert current("subscription", row.pk)["plan"] == "Bronze"
    subscriptions.change_plan(by=publisher_user, subscription=row, plan="Gold")
    for state in ("PROD_ONLY_BLOCKED", "BLOCKED"):
        subscriptions.set_state(by=publisher_user, subscription=row, state=state)
        assert current("subscription", row.pk)["state"] == state
    subscriptions.set_state(by=publisher_user, subscription=row, state="UNBLOCKED")
    assert current("subscription", row.pk).get("state", "UNBLOCKED") == "UNBLOCKED"
    subscriptions.unsubscribe(by=developer, subscription=row)
    assert not current("subscription", row.pk)
    with pytest.raises(NotFound):
        subscriptions.unsubscribe(by=developer, subscription=row)


@pytest.mark.parametrize("plan", ["Silver", "Unauthenticated", "10PerMin", ""])
def test_a_plan_that_the_api_does_not_offer_is_refused(developer: User, plan: str) -> None:
    api = make_api(developer.organisation, plans=("Gold", "Unauthenticated"))
    with pytest.raises(Invalid) as refused:
        make_subscription(make_application(developer), api, plan)
    assert "Gold" in refused.value.fields[0].message


@pytest.mark.parametrize("state", [State.CREATED, State.BLOCKED, State.RETIRED, State.DEPRECATED])
def test_only_published_and_prototyped_apis_take_subscriptions(developer: User, state: str) -> None:
    api = make_api(developer.organisation, state=state)
    with pytest.raises(NotFound):
        make_subscription(make_application(developer), api)


def test_a_deprecated_api_stays_for_its_subscribers_but_takes_no_new_ones(developer: User) -> None:
    api = make_api(developer.organisation)
    make_subscription(make_application(developer), api)
    api.state = State.DEPRECATED
    api.save()
    with pytest.raises(Forbidden, match="no new subscriptions"):
        make_subscription(make_application(developer), api)


def test_a_prototyped_api_takes_subscriptions(developer: User) -> None:
    make_subscription(make_application(developer), make_api(developer.organisation, state=State.PROTOTYPED))


def test_only_publishers_set_states_and_only_three(developer: User, creator: User, publisher_user: User) -> None:
    row = make_subscription(make_application(developer), make_api(developer.organisation))
    for stranger in (developer, creator):
        with pytest.raises(Forbidden):
            subscriptions.set_state(by=stranger, subscription=row, state="BLOCKED")
    with pytest.raises(Invalid):
        subscriptions.set_state(by=publisher_user, subscription=row, state="ON_HOLD")


def test_nobody_touches_what_is_not_theirs(
    developer: User, other_organisation: Organisation, make_user: object
) -> None:
    api, application = make_api(developer.organisation), make_application(developer)
    key, row = make_key(application), make_subscription(application, api)
    strangers = [
        make_user(developer.organisation, "Internal/subscriber"),
        make_user(other_organisation, "admin", "Internal/publisher", "Internal/subscriber"),
    ]
    for stranger in strangers:
        for attempt in (
            lambda by: applications.update_application(by=by, application=application, name="x", policy="Unlimited"),
            lambda by: applications.delete_application(by=by, application=application),
            lambda by: keys.generate_keys(
                by=by, application=application, key_type="SANDBOX", grant_types=["client_credentials"]
            ),
            lambda by: keys.regenerate_secret(by=by, key=key),
            lambda by: keys.issue_test_token(by=by, key=key),
            lambda by: keys.delete_keys(by=by, key=key),
            lambda by: subscriptions.subscribe(by=by, application=application, api=api, plan="Gold"),
            lambda by: subscriptions.change_plan(by=by, subscription=row, plan="Bronze"),
            lambda by: subscriptions.unsubscribe(by=by, subscription=row),
        ):
            with pytest.raises(NotFound):
                attempt(stranger)
    with pytest.raises(NotFound):
        subscriptions.set_state(by=strangers[1], subscription=row, state="BLOCKED")
    assert Application.objects.filter(pk=application.pk, name=application.name).exists()


def test_an_application_of_one_tenant_never_subscribes_to_an_api_of_another(
    developer: User, other_organisation: Organisation
) -> None:
    api = make_api(other_organisation)
    with pytest.raises(NotAvailable):
        make_subscription(make_application(developer), api)


def test_an_administrator_may_clean_up_after_a_developer(developer: User, admin: User) -> None:
    application = make_application(developer)
    make_key(application)
    applications.delete_application(by=admin, application=application)
    assert not Application.objects.exists()
