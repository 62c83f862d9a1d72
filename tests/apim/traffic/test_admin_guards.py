"""The admin pages of conditional groups, deny policies and custom rules."""

from __future__ import annotations

import pytest
from django.test import Client

from apim.accounts.actions.roles import set_roles
from apim.accounts.models import AuditRow
from apim.eventhub.models import Current
from apim.traffic.models import CustomRule, DenyPolicy, Policy
from tests.apim.traffic.test_admin import entered, fields
from tests.apim.traffic.test_rest import QUERY

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(admin) -> Client:
    return entered(set_roles(by=None, user=admin, roles=["admin"]))


def group(place: int, *conditions: dict[str, str], **change: str) -> dict[str, str]:
    """What the form of one group sends."""
    values = {
        "description": "testers",
        "kind": "REQUESTCOUNTLIMIT",
        "amount": "5",
        "data_unit": "KB",
        "unit_time": "1",
        "time_unit": "min",
        "id": "",
    }
    prefix = f"groups-{place}"
    sent = {f"{prefix}-{name}": value for name, value in (values | change).items()}
    sent |= {f"{prefix}-conditions-TOTAL_FORMS": str(len(conditions)), f"{prefix}-conditions-INITIAL_FORMS": "0"}
    for number, one in enumerate(conditions):
        blank = {"kind": "header", "name": "", "value": "", "end": "", "id": ""}
        sent |= {f"{prefix}-conditions-{number}-{name}": value for name, value in (blank | one).items()}
    return sent  # fmt: skip


def test_groups_and_conditions_are_entered_on_the_policys_page(boss, organisation):
    page = boss.get("/admin/traffic/policy/add/").content.decode()
    assert "Conditional groups" in page
    sent = fields(organisation, level="api", stop_on_quota_reach="on") | {
        "groups-TOTAL_FORMS": "1",
        "groups-INITIAL_FORMS": "0",
    }
    sent |= group(
        0,
        {"name": "X-Plan", "value": "^gold"},
        {"kind": "ip_range", "value": "10.0.0.1", "end": "10.0.0.9", "invert": "on"},
    )
    boss.post("/admin/traffic/policy/add/", sent)
    policy = Policy.objects.get(name="Platinum")
    record = Current.objects.get(kind="policy", key=policy.key).record
    assert '"name":"X-Plan"' in record
    assert '"end":"10.0.0.9"' in record
    assert policy.groups.get().conditions.count() == 2
    assert AuditRow.objects.filter(action="policy.update").first().after["groups"][0]["amount"] == 5
    again = boss.get(f"/admin/traffic/policy/{policy.pk}/change/").content.decode()
    assert "X-Plan" in again


@pytest.mark.parametrize(
    "wrong",
    [
        group(0, {"name": "X-Plan", "value": "(a"}),
        group(0, {"name": "", "value": "a"}),
        group(0, {"name": "X", "value": "a"}, amount=""),
        group(0),
    ],
)
def test_a_mistake_in_a_group_is_shown_and_nothing_written(boss, organisation, wrong):
    sent = fields(organisation, level="api") | {"groups-TOTAL_FORMS": "1", "groups-INITIAL_FORMS": "0"} | wrong
    assert boss.post("/admin/traffic/policy/add/", sent, follow=True).status_code == 200
    assert not Policy.objects.filter(name="Platinum").exists()


def test_a_deny_policy_is_switched_in_the_list(boss, organisation):
    page = "/admin/traffic/denypolicy/"
    boss.post(page + "add/", {"organisation": organisation.pk, "kind": "USER", "value": "mallory", "active": "on"})
    policy = DenyPolicy.objects.get()
    assert Current.objects.filter(kind="deny", key=str(policy.pk)).exists()
    off = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(policy.pk), "_save": "Save"}
    boss.post(page, off)
    policy.refresh_from_db()
    assert not policy.active
    assert not Current.objects.filter(kind="deny", key=str(policy.pk)).exists()
    boss.post(page, off | {"form-0-active": "on"})
    assert Current.objects.filter(kind="deny", key=str(policy.pk)).exists()
    actions = AuditRow.objects.filter(action__startswith="deny_policy").values_list("action", flat=True)
    assert list(actions) == ["deny_policy.on", "deny_policy.off", "deny_policy.create"]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "IP", "value": "10.0.0"},
        {"kind": "API", "value": "/none/1.0"},
        {"kind": "APPLICATION", "value": "nobody:nothing"},
        {"kind": "USER", "invert": "on"},
    ],
)
def test_a_deny_policy_that_says_nothing_is_not_written(boss, organisation, change):
    sent = {"organisation": organisation.pk, "kind": "USER", "value": "x", "active": "on"} | change
    assert boss.post("/admin/traffic/denypolicy/add/", sent, follow=True).status_code == 200
    assert not DenyPolicy.objects.exists()


def test_custom_rules_are_the_platforms(boss, make_user, other_organisation):
    page = "/admin/traffic/customrule/"
    sent = {"name": "mine", "description": "", "key_template": "$userId", "query": QUERY}
    wrong = boss.post(page + "add/", sent | {"query": QUERY.replace("1 min", "1 eon")}).content.decode()
    assert "line 5" in wrong
    boss.post(page + "add/", sent)
    rule = CustomRule.objects.get()
    assert Current.objects.filter(kind="custom_rule", key="mine").exists()
    boss.post(f"{page}{rule.pk}/change/", sent | {"description": "changed"})
    rule.refresh_from_db()
    assert rule.description == "changed"
    tenant = entered(set_roles(by=None, user=make_user(other_organisation, username="boss"), roles=["admin"]))
    assert tenant.get(page).status_code == 403
    boss.post(f"{page}{rule.pk}/delete/", {"post": "yes"})
    assert not CustomRule.objects.exists()
    assert not Current.objects.filter(kind="custom_rule", key="mine").exists()
