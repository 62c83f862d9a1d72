"""What becomes of subscriptions when their API or a policy changes."""

from __future__ import annotations

import pytest

from apim.accounts.actions.users import delete_user
from apim.accounts.models import User
from apim.errors import Conflict
from apim.keymanager.actions.clients import create_client
from apim.traffic.actions.policies import delete_policy
from apim.traffic.models import Policy
from portal.listeners import scopes_of_client
from portal.models import Subscription
from publisher.actions.apis import delete_api
from publisher.actions.lifecycle import RESUBSCRIBE, change_state
from publisher.models import Api, State
from tests.portal.builders import current, make_api, make_application, make_key, make_subscription

pytestmark = pytest.mark.django_db


def versions(publisher: User) -> tuple[Api, Api]:
    """A published first version, and the second one about to be."""
    old = make_api(publisher.organisation, "Pizza", version="1.0", provider=publisher)
    new = make_api(
        publisher.organisation, "Pizza", version="2.0", provider=publisher, state=State.CREATED, plans=("Gold",)
    )
    return old, new


def publish(by: User, api: Api, *ticked: str) -> None:
    """The publisher's step."""
    change_state(by=by, api=api, action="Publish", checklist=ticked)


def test_a_new_version_takes_over_the_subscriptions(developer: User, publisher_user: User) -> None:
    old, new = versions(publisher_user)
    kept = make_subscription(make_application(developer), old, "Gold")
    make_subscription(make_application(developer), old, "Bronze")
    Subscription.objects.filter(pk=kept.pk).update(state="BLOCKED")
    publish(publisher_user, new)
    taken = Subscription.objects.get(api=new)
    assert (taken.application_id, taken.plan, taken.state) == (kept.application_id, "Gold", "BLOCKED")
    assert current("subscription", taken.pk)["state"] == "BLOCKED"


def test_unless_people_are_to_subscribe_again(developer: User, publisher_user: User) -> None:
    old, new = versions(publisher_user)
    make_subscription(make_application(developer), old, "Gold")
    publish(publisher_user, new, RESUBSCRIBE)
    assert not Subscription.objects.filter(api=new).exists()


def test_subscriptions_end_with_a_retired_api(developer: User, publisher_user: User) -> None:
    api = make_api(publisher_user.organisation, provider=publisher_user)
    row = make_subscription(make_application(developer), api)
    for action in ("Deprecate", "Retire"):
        change_state(by=publisher_user, api=Api.objects.get(pk=api.pk), action=action)
    assert not Subscription.objects.exists() and not current("subscription", row.pk)


def test_an_api_with_subscriptions_is_not_deleted(developer: User, publisher_user: User) -> None:
    api = make_api(publisher_user.organisation, provider=publisher_user)
    make_subscription(make_application(developer), api)
    with pytest.raises(Conflict):
        delete_api(by=publisher_user, api=api)


def test_a_policy_in_use_is_not_deleted(developer: User, admin: User) -> None:
    make_application(developer, "Shop", policy="10PerMin")
    make_subscription(make_application(developer, "Web"), make_api(developer.organisation, "Pizza", plans=("Gold",)))
    Api.objects.get().plans.clear()
    for level, name, use in (
        ("application", "10PerMin", "Shop of developer"),
        ("subscription", "Gold", "Web to Pizza"),
    ):
        policy = Policy.objects.get(organisation=admin.organisation, level=level, name=name)
        with pytest.raises(Conflict, match=use):
            delete_policy(by=admin, policy=policy)


def test_a_client_may_have_the_scopes_of_what_its_application_subscribed_to(developer: User) -> None:
    application = make_application(developer)
    key = make_key(application)
    assert scopes_of_client(key.client, None) == {}
    make_subscription(application, make_api(developer.organisation, "Pizza"))
    assert scopes_of_client(key.client, None) == {"order": "Call Pizza"}
    stranger, _ = create_client(
        by=developer, organisation=developer.organisation, name="x", grant_types=["client_credentials"]
    )
    assert scopes_of_client(stranger, None) == {}


def test_a_person_with_applications_is_switched_off_rather_than_deleted(developer: User, admin: User) -> None:
    application = make_application(developer)
    make_key(application)
    with pytest.raises(Conflict):
        delete_user(by=admin, user=developer)
    assert current("application", application.pk)
