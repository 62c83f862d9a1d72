"""Each kind of request: what waits, what its requester and gateways see, and what a decision brings about."""

from __future__ import annotations

import pytest

from apim.accounts.actions import users
from apim.accounts.models import AuditRow, User
from apim.errors import Conflict
from apim.workflows.actions.tasks import decide
from apim.workflows.errors import Decided, Pending
from apim.workflows.models import Kind, Task
from portal.actions.api_keys import generate_api_key
from portal.actions.applications import delete_application, update_application
from portal.actions.keys import delete_keys, generate_keys, issue_test_token, map_keys, regenerate_secret
from portal.actions.subscriptions import change_plan, set_state, subscribe, unsubscribe
from portal.errors import NotApproved
from portal.models import Application, ApplicationKey, Subscription
from publisher.actions.apis import delete_api
from publisher.actions.lifecycle import change_state, withdraw_step
from publisher.errors import NotDeployed
from publisher.models import Api
from tests.portal.builders import current, make_api, make_application, make_key, make_subscription
from tests.publisher import make
from tests.support.people import PASSWORD

pytestmark = pytest.mark.django_db


def only() -> Task:
    """The one request that waits."""
    return Task.objects.get(status="CREATED")


def yes(boss: User, comment: str = "") -> Task:
    return decide(by=boss, task=only(), approved=True, comment=comment)


def no(boss: User, comment: str = "") -> Task:
    return decide(by=boss, task=only(), approved=False, comment=comment)


def test_without_an_executor_nothing_waits(boss, developer):
    application = make_application(developer)
    assert application.status == "APPROVED" and not Task.objects.exists()


def test_an_application_waits_and_is_approved(asks, boss, developer):
    asks(Kind.APPLICATION_CREATION)
    application = make_application(developer, "Waits")
    assert application.status == "CREATED"
    assert current("application", application.pk) is None, "gateways must not know it"
    api = make_api(developer.organisation)
    for act in (
        lambda: subscribe(by=developer, application=application, api=api, plan="Gold"),
        lambda: make_key(application),
        lambda: generate_api_key(by=developer, application=application, key_type="PRODUCTION"),
        lambda: map_keys(
            by=developer, application=application, key_type="SANDBOX", consumer_key="x", consumer_secret="y"
        ),
    ):
        with pytest.raises(NotApproved):
            act()
    yes(boss)
    application.refresh_from_db()
    assert application.status == "APPROVED"
    assert current("application", application.pk)["name"] == "Waits"
    make_subscription(application, api)


def test_a_rejected_application_stays_until_its_owner_removes_it(asks, boss, developer):
    asks(Kind.APPLICATION_CREATION, Kind.APPLICATION_DELETION)
    application = make_application(developer)
    no(boss, "We know you not")
    application.refresh_from_db()
    assert application.status == "REJECTED" and current("application", application.pk) is None
    update_application(by=developer, application=application, name="Other", policy="Unlimited")
    assert current("application", application.pk) is None
    assert delete_application(by=developer, application=application) is None
    assert not Application.objects.exists() and not Task.objects.filter(status="CREATED").exists()


def test_deleting_what_waits_ends_the_request(asks, boss, developer):
    asks(Kind.APPLICATION_CREATION)
    application = make_application(developer)
    task = only()
    delete_application(by=developer, application=application)
    task.refresh_from_db()
    assert task.status == "WITHDRAWN"
    with pytest.raises(Decided):
        decide(by=boss, task=task, approved=True)


@pytest.mark.parametrize("approved", [True, False])
def test_a_deletion_waits_while_everything_goes_on(asks, boss, developer, approved):
    asks(Kind.APPLICATION_DELETION, Kind.SUBSCRIPTION_DELETION)
    application = make_application(developer)
    row = make_subscription(application, make_api(developer.organisation))
    key = make_key(application)
    assert delete_application(by=developer, application=application).status == "DELETE_PENDING"
    with pytest.raises(Pending):
        delete_application(by=developer, application=application)
    with pytest.raises(NotApproved):
        make_key(application, "SANDBOX")
    assert current("application", application.pk) and current("subscription", row.pk)["state"] == "UNBLOCKED"
    decide(by=boss, task=only(), approved=approved)
    assert Application.objects.filter(pk=application.pk).exists() is not approved
    assert bool(current("application", application.pk)) is not approved
    assert ApplicationKey.objects.filter(pk=key.pk).exists() is not approved
    assert not Task.objects.filter(status="CREATED").exists()


@pytest.mark.parametrize(("kind", "side"), [(Kind.PRODUCTION_KEY, "PRODUCTION"), (Kind.SANDBOX_KEY, "SANDBOX")])
def test_keys_wait_without_a_client(asks, boss, developer, kind, side):
    asks(kind)
    application = make_application(developer)
    key, secret = generate_keys(
        by=developer, application=application, key_type=side, grant_types=["client_credentials"], token_lifetime=77
    )
    assert (key.state, secret, key.client, key.consumer_key) == ("CREATED", "", None, "")
    with pytest.raises(Conflict, match="not approved"):
        issue_test_token(by=developer, key=key)
    other = "SANDBOX" if side == "PRODUCTION" else "PRODUCTION"
    assert make_key(application, other).state == "APPROVED"
    yes(boss)
    key.refresh_from_db()
    assert key.state == "APPROVED" and key.client.token_lifetime == 77
    assert current("key", f"{key.key_manager.key}:{key.consumer_key}")["application"] == str(application.pk)
    assert regenerate_secret(by=developer, key=key)


def test_refused_keys_are_cleared_away_and_asked_for_again(asks, boss, developer):
    asks(Kind.PRODUCTION_KEY)
    application = make_application(developer)
    key = make_key(application)
    no(boss)
    key.refresh_from_db()
    assert key.state == "REJECTED" and key.client is None
    delete_keys(by=developer, key=key)
    make_key(application)
    assert only().kind == Kind.PRODUCTION_KEY


def test_a_wish_for_keys_that_could_not_be_made_is_refused_at_once(asks, developer):
    asks(Kind.PRODUCTION_KEY)
    application = make_application(developer)
    with pytest.raises(Exception, match="not valid"):
        generate_keys(by=developer, application=application, key_type="PRODUCTION", grant_types=["nonsense"])
    assert not Task.objects.exists() and not ApplicationKey.objects.exists()


def test_a_subscription_waits_and_gateways_refuse_it(asks, boss, developer, publisher_user):
    asks(Kind.SUBSCRIPTION_CREATION)
    row = make_subscription(make_application(developer), make_api(developer.organisation))
    assert row.state == "ON_HOLD" and current("subscription", row.pk)["state"] == "ON_HOLD"
    with pytest.raises(Conflict):
        set_state(by=publisher_user, subscription=row, state="UNBLOCKED")
    with pytest.raises(Pending):
        change_plan(by=developer, subscription=row, plan="Bronze")
    yes(boss)
    assert current("subscription", row.pk)["state"] == "UNBLOCKED"


def test_a_rejected_subscription_stays_refused(asks, boss, developer):
    asks(Kind.SUBSCRIPTION_CREATION, Kind.SUBSCRIPTION_DELETION)
    row = make_subscription(make_application(developer), make_api(developer.organisation))
    no(boss)
    assert current("subscription", row.pk)["state"] == "REJECTED"
    assert unsubscribe(by=developer, subscription=row) is None, "nobody is asked about what nobody approved"


@pytest.mark.parametrize(("approved", "plan"), [(True, "Bronze"), (False, "Gold")])
def test_a_plan_change_waits_under_the_old_plan(asks, boss, developer, approved, plan):
    asks(Kind.SUBSCRIPTION_UPDATE)
    row = make_subscription(make_application(developer), make_api(developer.organisation))
    changed = change_plan(by=developer, subscription=row, plan="Bronze")
    assert (changed.state, changed.plan, changed.requested_plan) == ("TIER_UPDATE_PENDING", "Gold", "Bronze")
    assert {"plan": "Gold", "state": "UNBLOCKED"}.items() <= current("subscription", row.pk).items()
    decide(by=boss, task=only(), approved=approved)
    row.refresh_from_db()
    assert (row.state, row.plan, row.requested_plan, row.state_before) == ("UNBLOCKED", plan, "", "")
    assert current("subscription", row.pk)["plan"] == plan


def test_publishers_change_plans_without_asking(asks, developer, publisher_user):
    asks(Kind.SUBSCRIPTION_UPDATE)
    row = make_subscription(make_application(developer), make_api(developer.organisation))
    assert change_plan(by=publisher_user, subscription=row, plan="Bronze").state == "UNBLOCKED"


def test_what_waits_can_be_blocked_and_stays_blocked(asks, boss, developer, publisher_user):
    asks(Kind.SUBSCRIPTION_DELETION)
    row = make_subscription(make_application(developer), make_api(developer.organisation))
    assert unsubscribe(by=developer, subscription=row).state == "DELETE_PENDING"
    set_state(by=publisher_user, subscription=row, state="BLOCKED")
    assert current("subscription", row.pk)["state"] == "BLOCKED"
    no(boss)
    assert current("subscription", row.pk)["state"] == "BLOCKED"
    row.refresh_from_db()
    assert row.state == "BLOCKED"


def test_leaving_while_a_plan_change_waits_asks_anew(asks, boss, developer):
    asks(Kind.SUBSCRIPTION_UPDATE, Kind.SUBSCRIPTION_DELETION)
    row = make_subscription(make_application(developer), make_api(developer.organisation))
    change_plan(by=developer, subscription=row, plan="Bronze")
    unsubscribe(by=developer, subscription=row)
    assert only().kind == Kind.SUBSCRIPTION_DELETION
    yes(boss)
    assert not Subscription.objects.exists() and current("subscription", row.pk) is None


def test_a_retired_api_takes_waiting_subscriptions_along(asks, boss, developer, publisher_user):
    asks(Kind.SUBSCRIPTION_CREATION)
    api = make_api(developer.organisation, provider=publisher_user)
    make_subscription(make_application(developer), api)
    change_state(by=publisher_user, api=api, action="Deprecate")
    change_state(by=publisher_user, api=api, action="Retire")
    assert not Subscription.objects.exists() and Task.objects.get().status == "WITHDRAWN"


def test_a_step_of_the_life_cycle_waits(asks, boss, publisher_user):
    asks(Kind.API_STATE)
    api = make.make_api(publisher_user)
    make.deploy(publisher_user, api)
    assert change_state(by=publisher_user, api=api, action="Publish").state == "CREATED"
    with pytest.raises(Pending):
        change_state(by=publisher_user, api=api, action="Deploy as a Prototype")
    assert current("api", f"Default:{api.pk}")["lifecycle"] == "CREATED"
    yes(boss)
    api.refresh_from_db()
    assert api.state == "PUBLISHED" and current("api", f"Default:{api.pk}")["lifecycle"] == "PUBLISHED"


def test_only_chosen_transitions_wait(asks, publisher_user):
    asks(Kind.API_STATE, transitions=["PUBLISHED:Block"])
    api = make.make_api(publisher_user)
    make.deploy(publisher_user, api)
    assert change_state(by=publisher_user, api=api, action="Publish").state == "PUBLISHED"
    assert change_state(by=publisher_user, api=api, action="Block").state == "PUBLISHED"
    assert only().payload["action"] == "Block"


def test_products_have_a_kind_of_their_own(asks, publisher_user):
    asks(Kind.API_PRODUCT_STATE)
    api = make.make_api(publisher_user)
    make.deploy(publisher_user, api)
    assert change_state(by=publisher_user, api=api, action="Publish").state == "PUBLISHED"
    Api.objects.filter(pk=api.pk).update(kind="PRODUCT")
    api.refresh_from_db()
    assert change_state(by=publisher_user, api=api, action="Block").state == "PUBLISHED"
    assert only().kind == Kind.API_PRODUCT_STATE


def test_a_step_that_can_no_longer_be_taken_is_not_approved(asks, boss, publisher_user):
    asks(Kind.API_STATE)
    api = make.make_api(publisher_user)
    make.deploy(publisher_user, api)
    change_state(by=publisher_user, api=api, action="Publish")
    api.deployments.all().delete()
    with pytest.raises(NotDeployed):
        yes(boss)
    assert only().status == "CREATED", "the decision is taken back with what it could not do"
    withdraw_step(by=publisher_user, api=api)
    assert not Task.objects.filter(status="CREATED").exists()


def test_a_deleted_api_ends_its_request(asks, publisher_user):
    asks(Kind.API_STATE)
    api = make.make_api(publisher_user)
    make.deploy(publisher_user, api)
    change_state(by=publisher_user, api=api, action="Publish")
    delete_api(by=publisher_user, api=api)
    assert Task.objects.get().status == "WITHDRAWN"


def sign_up(boss: User) -> User:
    return users.sign_up(organisation=boss.organisation, username="fresh", email="f@example.org", password=PASSWORD)


def test_a_sign_up_waits(asks, boss, client):
    asks(Kind.USER_SIGNUP)
    user = sign_up(boss)
    assert not user.is_active and not client.login(username="fresh", password=PASSWORD)
    yes(boss)
    assert client.login(username="fresh", password=PASSWORD)


def test_a_rejected_sign_up_frees_the_name(asks, boss):
    asks(Kind.USER_SIGNUP)
    sign_up(boss)
    no(boss)
    assert not User.objects.filter(username="fresh").exists()
    sign_up(boss)


def test_an_administrator_who_settles_a_sign_up_by_hand_ends_the_request(asks, boss):
    asks(Kind.USER_SIGNUP)
    users.set_active(by=boss, user=sign_up(boss), active=True)
    assert Task.objects.get().status == "WITHDRAWN"
    users.delete_user(by=boss, user=User.objects.get(username="fresh"))
    sign_up(boss)
    users.delete_user(by=boss, user=User.objects.get(username="fresh"))
    assert not Task.objects.filter(status="CREATED").exists()


def test_deciding_twice(asks, boss, developer):
    asks(Kind.APPLICATION_CREATION)
    make_application(developer)
    task = yes(boss, "fine")
    rows = AuditRow.objects.count()
    again = decide(by=boss, task=task, approved=True, comment="again")
    assert (again.comment, AuditRow.objects.count()) == ("fine", rows), "the same decision again changes nothing"
    with pytest.raises(Decided, match="approved by admin"):
        decide(by=boss, task=task, approved=False)


def test_decisions_are_in_the_audit_trail(asks, boss, developer):
    asks(Kind.APPLICATION_CREATION)
    make_application(developer)
    task = yes(boss, "fine")
    row = AuditRow.objects.get(action="workflow.approve")
    assert (row.actor, row.target_id, row.after["comment"]) == ("admin", str(task.pk), "fine")
    assert AuditRow.objects.filter(action="application.set_status", actor="developer").exists()
