"""An application's limits reset by hand, and deny policies that name what publisher and portal have."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apim.accounts.models import AuditRow, Organisation, User
from apim.errors import Invalid
from apim.traffic.actions.denials import create_deny_policy
from apim.traffic.models import Policy
from tests.portal.builders import current, make_api, make_application, rest
from tests.support.people import make_user

pytestmark = pytest.mark.django_db
ROOT = "/api/am/devportal/v3"


def test_a_reset_reaches_the_gateways_and_the_audit_trail(developer: User) -> None:
    application = make_application(developer)
    answer = rest(developer).post(
        f"{ROOT}/applications/{application.pk}/reset-throttle-policy", {"userName": "bob"}, format="json"
    )
    assert answer.status_code == 200
    record = current("throttle_reset", str(application.pk))
    assert (record["application"], record["user"]) == (str(application.pk), "bob")
    assert record["at"] > 1_700_000_000
    assert AuditRow.objects.get(action="application.reset_limits").target_id == str(application.pk)
    again = rest(developer).post(f"{ROOT}/applications/{application.pk}/reset-throttle-policy", {}, format="json")
    assert again.status_code == 200
    assert current("throttle_reset", str(application.pk))["at"] >= record["at"]


@pytest.mark.parametrize("name", [5, "x" * 300, "a\0b"])
def test_a_user_that_cannot_be_one_is_refused(developer: User, name: object) -> None:
    application = make_application(developer)
    path = f"{ROOT}/applications/{application.pk}/reset-throttle-policy"
    answer = rest(developer).post(path, {"userName": name}, format="json")
    assert (answer.status_code, answer.json()["error"][0]["field"]) == (400, "userName")


def test_nobody_resets_somebody_elses(developer: User, organisation: Organisation) -> None:
    application = make_application(developer)
    other = rest(make_user(organisation, "Internal/subscriber"))
    assert (
        other.post(f"{ROOT}/applications/{application.pk}/reset-throttle-policy", {}, format="json").status_code == 404
    )
    assert current("throttle_reset", str(application.pk)) is None


def test_the_button_is_there_when_there_is_a_limit(developer: User) -> None:
    application = make_application(developer, policy="10PerMin")
    free = make_application(developer, policy="Unlimited")
    client = Client()
    client.force_login(developer)
    assert "Reset the limit" in client.get(reverse("portal:application", args=[application.pk])).content.decode()
    assert "Reset the limit" not in client.get(reverse("portal:application", args=[free.pk])).content.decode()
    answer = client.post(reverse("portal:application_reset", args=[application.pk]), follow=True)
    assert "counts from zero again" in answer.content.decode()
    assert current("throttle_reset", str(application.pk)) is not None


def test_deny_policies_name_apis_and_applications_that_exist(admin: User, developer: User) -> None:
    make_api(developer.organisation, "Pizza")
    application = make_application(developer)
    right = {"API": "/pizza/1.0", "APPLICATION": f"{developer.get_username()}:{application.name}"}
    for kind, value in right.items():
        create_deny_policy(by=admin, organisation=admin.organisation, kind=kind, value=value)
        with pytest.raises(Invalid):
            create_deny_policy(by=admin, organisation=admin.organisation, kind=kind, value=value + "x")


@pytest.mark.parametrize(
    ("permission", "roles", "offered"),
    [
        ("", [], True),
        ("ALLOW", ["partner"], False),
        ("ALLOW", ["Internal/subscriber"], True),
        ("ALLOW", ["Internal/everyone"], True),
        ("DENY", ["Internal/subscriber", "partner"], False),
        ("DENY", ["partner"], True),
    ],
)
def test_a_plan_is_offered_to_those_whose_roles_allow_it(
    developer: User, permission: str, roles: list[str], offered: bool
) -> None:
    api = make_api(developer.organisation)
    Policy.objects.filter(organisation=developer.organisation, name="Gold").update(permission=permission, roles=roles)
    listed = rest(developer).get(f"{ROOT}/apis/{api.pk}/subscription-policies").json()
    assert ("Gold" in [plan["planName"] if "planName" in plan else plan["name"] for plan in listed]) is offered
    application = make_application(developer)
    body = {"apiId": str(api.pk), "applicationId": str(application.pk), "throttlingPolicy": "Gold"}
    answer = rest(developer).post(f"{ROOT}/subscriptions", body, format="json")
    assert answer.status_code == (201 if offered else 400), answer.json()
