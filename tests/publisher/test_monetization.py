"""Monetization: on and off, what it earns, what a subscription costs; the list of subscriptions at 5,000 of them."""

from __future__ import annotations

import time

import pytest

from apim.accounts.models import AuditRow
from apim.errors import Forbidden, Invalid
from apim.traffic.models import BillingPlan, Level, Policy
from portal.models import Application, Subscription
from publisher.actions.monetization import monetize
from tests.publisher.make import make_api
from tests.support.people import make_user

PRICE = {
    "monetizationPlan": "FIXEDRATE",
    "properties": {"fixedPrice": "9.50", "currencyType": "USD", "billingCycle": "month"},
}


@pytest.fixture
def priced(publisher_user):
    """An API whose plan Gold costs 9.50 USD a month."""
    api = make_api(publisher_user, plans=["Gold", "Silver"])
    gold = Policy.objects.filter(organisation=publisher_user.organisation, level=Level.SUBSCRIPTION, name="Gold")
    gold.update(billing_plan=BillingPlan.COMMERCIAL, monetization=PRICE)
    return api


def subscribe(api, user, count, plan="Gold"):
    """That many subscriptions, each of an application of its own, written at once."""
    organisation = api.organisation
    made = [
        Application(organisation=organisation, owner=user, name=f"App {plan} {number}", policy="Unlimited")
        for number in range(count)
    ]
    Application.objects.bulk_create(made)
    return Subscription.objects.bulk_create(
        [Subscription(organisation=organisation, application=one, api=api, plan=plan) for one in made]
    )


def test_an_api_is_monetized_and_says_what_it_earns(rest, publisher_user, priced):
    client, path = rest(publisher_user), f"/apis/{priced.pk}"
    assert client.call("get", f"{path}/revenue").json() == {"properties": {}}
    answer = client.call("post", f"{path}/monetize", {"enabled": True, "properties": {"account": "acct_1"}})
    assert answer.status_code == 201
    assert client.call("get", path).json()["monetization"] == {"enabled": True, "properties": {"account": "acct_1"}}
    assert list(client.call("get", f"{path}/monetization").json()["properties"]) == ["Gold"]
    subscribe(priced, publisher_user, 3)
    subscribe(priced, publisher_user, 2, "Silver")
    earned = client.call("get", f"{path}/revenue").json()["properties"]
    assert earned["Gold.subscriptions"] == "3"
    assert earned["total USD per month"] == "28.50"
    client.call("post", f"{path}/monetize", {"enabled": False})
    shown = client.call("get", path).json()["monetization"]
    assert shown == {"enabled": False, "properties": {"account": "acct_1"}}
    assert AuditRow.objects.filter(action="api.monetize").count() == 2


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "enabled"),
        ({"enabled": "yes"}, "enabled"),
        ({"enabled": True, "properties": []}, "properties"),
        ({"enabled": True, "properties": {"a": 5}}, "properties.a"),
    ],
)
def test_what_is_wrong_is_named(rest, publisher_user, priced, body, place):
    answer = rest(publisher_user).call("post", f"/apis/{priced.pk}/monetize", body)
    assert answer.status_code == 400
    assert answer.json()["error"][0]["field"] == place


def test_an_api_without_a_commercial_plan_earns_nothing(publisher_user):
    with pytest.raises(Invalid, match="commercial"):
        monetize(by=publisher_user, api=make_api(publisher_user, plans=["Silver"]), enabled=True)


def test_only_publishers_monetize(priced):
    with pytest.raises(Forbidden):
        monetize(by=make_user(priced.organisation, "Internal/creator"), api=priced, enabled=True)


def test_what_a_subscription_costs(rest, publisher_user, priced, other_organisation):
    row = subscribe(priced, publisher_user, 1)[0]
    path = f"/subscriptions/{row.pk}/usage"
    assert rest(publisher_user).call("get", path).status_code == 404
    monetize(by=publisher_user, api=priced, enabled=True)
    shown = rest(publisher_user).call("get", path).json()["properties"]
    assert (shown["plan"], shown["fixedPrice"]) == ("Gold", "9.50")
    assert rest(make_user(other_organisation, "admin")).call("get", path).status_code == 404
    for wrong in ("x", "00000000-0000-0000-0000-000000000000"):
        for what in ("usage", "subscriber-info"):
            assert rest(publisher_user).call("get", f"/subscriptions/{wrong}/{what}").status_code == 404


def test_five_thousand_subscriptions_are_listed_in_a_constant_number_of_queries(
    rest, publisher_user, priced, django_assert_max_num_queries
):
    client = rest(publisher_user)
    subscribe(priced, publisher_user, 20)
    with django_assert_max_num_queries(8) as few:
        client.call("get", "/subscriptions?limit=20")
    subscribe(priced, publisher_user, 5000, "Silver")
    with django_assert_max_num_queries(8) as many:
        body = client.call("get", "/subscriptions?limit=25&offset=2000").json()
    assert (len(many), body["count"], body["pagination"]["total"]) == (len(few), 25, 5020)
    best = min(_seconds(client, "/subscriptions?limit=25&offset=2000") for _ in range(3))
    # 150 ms on a quiet machine; what must be told apart here is a list that reads everything.
    assert best < 1.5


def _seconds(client, path):
    begun = time.process_time()
    assert client.call("get", path).status_code == 200
    return time.process_time() - begun
