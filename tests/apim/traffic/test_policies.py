"""Policies: the defaults, their writes, and what gateways are told."""

from __future__ import annotations

import msgspec
import pytest

from apim.accounts.models import AuditRow
from apim.errors import Forbidden, Invalid, NotFound
from apim.eventhub.models import Current
from apim.traffic import hooks, queries
from apim.traffic.actions.policies import create_policy, delete_policy, update_policy
from apim.traffic.defaults import DEFAULTS, seed
from apim.traffic.errors import PolicyExists, PolicyInUse, PolicyProtected
from apim.traffic.models import Level, Policy
from gateway import schema


def told(key: str) -> schema.Policy | None:
    row = Current.objects.filter(kind="policy", key=key).first()
    return msgspec.json.decode(row.record, type=schema.Policy) if row else None


@pytest.mark.parametrize(
    ("level", "names"),
    [
        ("application", "10PerMin 20PerMin 50PerMin Unlimited"),
        ("api", "10KPerMin 20KPerMin 50KPerMin Unlimited"),
        (
            "subscription",
            "AsyncBronze AsyncGold AsyncSilver AsyncUnlimited AsyncWHBronze AsyncWHGold AsyncWHSilver AsyncWHUnlimited"
            " Bronze Gold Silver Unauthenticated Unlimited",
        ),
    ],
)
def test_a_new_organisation_has_the_default_policies(other_organisation, level, names):
    found = queries.policies(other_organisation, level).values_list("name", flat=True)
    assert set(found) == set(names.split())


@pytest.mark.parametrize(
    ("key", "quota"),
    [
        ("application:10PerMin", schema.Limit(10, 60)),
        ("subscription:Gold", schema.Limit(5000, 60)),
        ("subscription:Unauthenticated", schema.Limit(500, 60)),
        ("subscription:AsyncGold", schema.Limit(50_000, 86_400, "events")),
        ("api:50KPerMin", schema.Limit(50_000, 60)),
        ("subscription:Unlimited", None),
    ],
)
def test_gateways_are_told_the_default_policies(organisation, key, quota):
    level, name = key.split(":")
    assert told(f"carbon.super:{key}") == schema.Policy("carbon.super", level, name, quota)


def test_seeding_again_changes_nothing(organisation):
    before = list(Current.objects.order_by("pk").values())
    seed(organisation)
    assert list(Current.objects.order_by("pk").values()) == before
    assert Policy.objects.filter(organisation=organisation).count() == len(DEFAULTS)


def test_plans_are_those_an_application_can_choose(organisation):
    assert set(queries.plans(organisation).values_list("name", flat=True)) == {"Bronze", "Silver", "Gold", "Unlimited"}
    assert all(plan.name.startswith("Async") for plan in queries.plans(organisation, streaming=True))


def test_create_tells_gateways_and_the_audit_trail(admin, organisation):
    policy = create_policy(
        by=admin,
        organisation=organisation,
        level=Level.SUBSCRIPTION,
        name="Platinum",
        kind="BANDWIDTHLIMIT",
        amount=10,
        data_unit="MB",
        unit_time=2,
        time_unit="hour",
        burst_amount=20,
        burst_unit="sec",
        stop_on_quota_reach=False,
    )
    quota, burst = schema.Limit(10 * 1024 * 1024, 7200, "bytes"), schema.Limit(20, 1)
    assert told(policy.key) == schema.Policy("carbon.super", "subscription", "Platinum", quota, burst, False)
    row = AuditRow.objects.get(action="policy.create")
    assert (row.actor, row.after["amount"]) == ("admin", 10)
    assert (policy.quota_text, policy.burst_text) == ("10 MB per 2 hours", "20 per second")


def test_update_and_delete_reach_the_gateways(admin, organisation):
    policy = queries.get_policy(organisation, Level.APPLICATION, "10PerMin")
    update_policy(by=admin, policy=policy, amount=11)
    assert told(policy.key).quota == schema.Limit(11, 60)
    delete_policy(by=admin, policy=policy)
    assert told(policy.key) is None
    with pytest.raises(NotFound):
        update_policy(by=admin, policy=policy, amount=12)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": "no blanks"}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"level": "planet"}, "level"),
        ({"amount": 0}, "amount"),
        ({"amount": -5}, "amount"),
        ({"time_unit": "century"}, "time_unit"),
        ({"kind": "EVENTCOUNTLIMIT"}, "kind"),
        ({"level": "api", "burst_amount": 5}, "burst_amount"),
        ({"colour": "red"}, "colour"),
        ({"organisation_id": 3}, "organisation_id"),
    ],
)
def test_a_wrong_field_is_named(admin, organisation, fields, wrong):
    values = {"level": "application", "name": "Mine", "amount": 5} | fields
    with pytest.raises(Invalid) as raised:
        create_policy(by=admin, organisation=organisation, **values)
    assert {field.field for field in raised.value.fields} == {wrong}
    assert not Policy.objects.filter(name__in=["Mine", "no blanks"]).exists()


def test_a_name_is_taken_once_per_level(admin, organisation):
    with pytest.raises(PolicyExists):
        create_policy(by=admin, organisation=organisation, level="subscription", name="Gold", amount=1)
    create_policy(by=admin, organisation=organisation, level="api", name="Gold", amount=1)


def test_a_policy_in_use_stays(admin, organisation, monkeypatch):
    policy = queries.get_policy(organisation, Level.SUBSCRIPTION, "Gold")
    monkeypatch.setattr(hooks, "_checks", [])
    hooks.checks_usage(lambda asked: ["API Pizza 1.0"] if asked.name == "Gold" else [])
    with pytest.raises(PolicyInUse, match="API Pizza 1.0"):
        delete_policy(by=admin, policy=policy)
    assert told(policy.key) is not None


@pytest.mark.parametrize("name", ["Unlimited", "Unauthenticated"])
def test_policies_the_platform_needs_stay(admin, organisation, name):
    with pytest.raises(PolicyProtected):
        delete_policy(by=admin, policy=queries.get_policy(organisation, Level.SUBSCRIPTION, name))


def test_unlimited_stays_unlimited(admin, organisation):
    with pytest.raises(PolicyProtected):
        update_policy(by=admin, policy=queries.get_policy(organisation, Level.API, "Unlimited"), amount=5)


def test_only_administrators_write_and_only_at_home(developer, admin, organisation, other_organisation, make_user):
    with pytest.raises(Forbidden):
        create_policy(by=developer, organisation=organisation, level="application", name="Mine", amount=1)
    stranger = make_user(other_organisation, "admin")
    with pytest.raises(NotFound):
        create_policy(by=stranger, organisation=organisation, level="application", name="Mine", amount=1)
    with pytest.raises(NotFound):
        delete_policy(by=stranger, policy=queries.get_policy(organisation, Level.SUBSCRIPTION, "Gold"))
    assert queries.get_policy(organisation, Level.SUBSCRIPTION, "Gold")


@pytest.mark.parametrize(
    ("amount", "unit_time", "time_unit", "text"),
    [
        (1000, 1, "min", "1,000 requests per minute"),
        (1, 1, "sec", "1 request per second"),
        (5, 3, "day", "5 requests per 3 days"),
        (None, 1, "min", "Unlimited"),
    ],
)
def test_limits_are_told_in_words(amount, unit_time, time_unit, text):
    assert Policy(amount=amount, unit_time=unit_time, time_unit=time_unit).quota_text == text
