"""The admin pages of policies: limits in words, writes through the actions, nothing deleted that is in use."""

from __future__ import annotations

import pytest
from django.test import Client

from apim.accounts.actions.roles import set_roles
from apim.accounts.models import AuditRow
from apim.eventhub.models import Current
from apim.traffic import hooks
from apim.traffic.models import Policy

pytestmark = pytest.mark.django_db
PAGE = "/admin/traffic/policy/"


def entered(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def boss(admin) -> Client:
    return entered(set_roles(by=None, user=admin, roles=["admin"]))


def fields(organisation, **change: object) -> dict[str, object]:
    values = {
        "organisation": organisation.pk,
        "level": "subscription",
        "name": "Platinum",
        "display_name": "",
        "description": "",
    }
    limit = {"kind": "REQUESTCOUNTLIMIT", "amount": 9000, "data_unit": "KB", "unit_time": 1, "time_unit": "min"}
    burst = {
        "burst_amount": "",
        "burst_unit": "sec",
        "stop_on_quota_reach": "on",
        "billing_plan": "FREE",
        "subscriber_count": "",
    }
    groups = {"groups-TOTAL_FORMS": "0", "groups-INITIAL_FORMS": "0"}
    return values | limit | burst | groups | change


def test_the_list_says_limits_in_words(boss):
    text = boss.get(PAGE + "?q=Gold").content.decode()
    assert "5,000 requests per minute" in text
    assert "50,000 events per day" in text


def test_a_policy_is_made_changed_and_deleted(boss, organisation):
    boss.post(PAGE + "add/", fields(organisation))
    policy = Policy.objects.get(name="Platinum")
    boss.post(f"{PAGE}{policy.pk}/change/", fields(organisation, amount=9001, name="Renamed"))
    policy.refresh_from_db()
    assert (policy.name, policy.amount) == ("Platinum", 9001)
    assert '"amount":9001' in Current.objects.get(kind="policy", key=policy.key).record
    boss.post(f"{PAGE}{policy.pk}/delete/", {"post": "yes"})
    assert not Policy.objects.filter(name="Platinum").exists()
    actions = AuditRow.objects.filter(action__startswith="policy.").values_list("action", flat=True)
    assert list(actions) == ["policy.delete", "policy.update", "policy.create"]


@pytest.mark.parametrize(
    "change", [{"amount": 0}, {"name": "no blanks"}, {"level": "api", "burst_amount": 3}, {"name": "Gold"}]
)
def test_a_mistake_is_shown_and_nothing_written(boss, organisation, change):
    before = Policy.objects.count()
    assert boss.post(PAGE + "add/", fields(organisation, **change), follow=True).status_code == 200
    assert Policy.objects.count() == before


def test_a_policy_in_use_is_protected(boss, organisation, monkeypatch):
    monkeypatch.setattr(hooks, "_checks", [lambda policy: ["API Pizza 1.0"]])
    policy = Policy.objects.get(organisation=organisation, level="subscription", name="Gold")
    assert "API Pizza 1.0" in boss.get(f"{PAGE}{policy.pk}/delete/").content.decode()
    boss.post(f"{PAGE}{policy.pk}/delete/", {"post": "yes"}, follow=True)
    boss.post(PAGE, {"action": "delete_selected", "_selected_action": [policy.pk], "post": "yes"}, follow=True)
    assert Policy.objects.filter(pk=policy.pk).exists()


def test_unlimited_cannot_be_changed_or_deleted(boss, organisation):
    policy = Policy.objects.get(organisation=organisation, level="subscription", name="Unlimited")
    boss.post(f"{PAGE}{policy.pk}/change/", fields(organisation, amount=3), headers={"Accept": "text/html"})
    boss.post(f"{PAGE}{policy.pk}/delete/", {"post": "yes"}, headers={"Accept": "text/html"})
    policy.refresh_from_db()
    assert policy.amount is None


def test_the_platforms_administrator_serves_a_tenant_and_a_tenant_only_itself(
    boss, other_organisation, organisation, make_user
):
    theirs = Policy.objects.get(organisation=other_organisation, level="application", name="10PerMin")
    boss.post(f"{PAGE}{theirs.pk}/change/", fields(other_organisation, amount=12))
    theirs.refresh_from_db()
    assert theirs.amount == 12
    tenant = entered(set_roles(by=None, user=make_user(other_organisation, username="boss"), roles=["admin"]))
    ours = Policy.objects.get(organisation=organisation, level="application", name="10PerMin")
    tenant.post(f"{PAGE}{ours.pk}/change/", fields(organisation, amount=13), headers={"Accept": "text/html"})
    ours.refresh_from_db()
    assert ours.amount == 10
