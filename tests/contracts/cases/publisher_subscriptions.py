"""Subscriptions seen by publishers, and monetization."""

from __future__ import annotations

from apim.traffic.models import BillingPlan, Level, Policy
from portal.models import Subscription
from publisher.actions.monetization import monetize
from publisher.models import Api
from tests.contracts.harness import Answer, case
from tests.contracts.world import World

PRICE = {
    "monetizationPlan": "FIXEDRATE",
    "properties": {"fixedPrice": "10", "currencyType": "USD", "billingCycle": "month"},
}


def sold(w: World) -> Api:
    api = w.published()
    Policy.objects.filter(organisation=w.organisation, level=Level.SUBSCRIPTION).update(
        billing_plan=BillingPlan.COMMERCIAL, monetization=PRICE
    )
    return monetize(by=w.user, api=api, enabled=True, properties={"account": "1"})


def blocked(w: World) -> Subscription:
    row = w.subscription()
    w.publisher.post(f"/subscriptions/block-subscription?subscriptionId={row.pk}&blockState=BLOCKED")
    return row


@case("publisher", "getSubscriptions")
def list_subscriptions(w: World) -> Answer:
    return w.publisher.get(f"/subscriptions?apiId={w.subscription().api_id}")


@case("publisher", "blockSubscription")
def block(w: World) -> Answer:
    return w.publisher.post(
        f"/subscriptions/block-subscription?subscriptionId={w.subscription().pk}&blockState=PROD_ONLY_BLOCKED"
    )


@case("publisher", "unBlockSubscription")
def unblock(w: World) -> Answer:
    return w.publisher.post(f"/subscriptions/unblock-subscription?subscriptionId={blocked(w).pk}")


@case("publisher", "changeSubscriptionBusinessPlan")
def change_plan(w: World) -> Answer:
    row = w.subscription(api=w.published(plans=["Gold", "Silver"]))
    other = "Silver" if row.plan == "Gold" else "Gold"
    return w.publisher.post(f"/subscriptions/change-business-plan?subscriptionId={row.pk}&businessPlan={other}")


@case("publisher", "getSubscriberInfoBySubscriptionId")
def subscriber(w: World) -> Answer:
    return w.publisher.get(f"/subscriptions/{w.subscription().pk}/subscriber-info")


@case("publisher", "getSubscriptionUsage")
def usage(w: World) -> Answer:
    return w.publisher.get(f"/subscriptions/{w.subscription(api=sold(w)).pk}/usage")


@case("publisher", "addAPIMonetization")
def add_monetization(w: World) -> Answer:
    api = sold(w)
    return w.publisher.post(f"/apis/{api.pk}/monetize", {"enabled": True, "properties": {"account": "2"}})


@case("publisher", "getAPIMonetization")
def monetization(w: World) -> Answer:
    return w.publisher.get(f"/apis/{sold(w).pk}/monetization")


@case("publisher", "getAPIRevenue")
def revenue(w: World) -> Answer:
    api = sold(w)
    w.subscription(api=api)
    return w.publisher.get(f"/apis/{api.pk}/revenue")
