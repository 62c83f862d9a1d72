"""Subscriptions and what they cost."""

from __future__ import annotations

from apim.traffic.models import Policy
from publisher.models import Api
from tests.contracts.harness import Answer, case
from tests.contracts.world import World


def _body(w: World) -> dict[str, str]:
    return {"applicationId": str(w.application().pk), "apiId": str(w.published().pk), "throttlingPolicy": "Gold"}


@case("devportal", "GET /subscriptions")
def subscriptions(w: World) -> Answer:
    return w.devportal.get(f"/subscriptions?applicationId={w.subscription().application_id}")


@case("devportal", "POST /subscriptions")
def subscribe(w: World) -> Answer:
    return w.devportal.post("/subscriptions", _body(w))


@case("devportal", "POST /subscriptions/multiple")
def subscribe_many(w: World) -> Answer:
    return w.devportal.post("/subscriptions/multiple", [_body(w), _body(w)])


@case("devportal", "GET /subscriptions/{subscriptionId}")
def one(w: World) -> Answer:
    return w.devportal.get(f"/subscriptions/{w.subscription().pk}")


@case("devportal", "PUT /subscriptions/{subscriptionId}")
def change(w: World) -> Answer:
    row = w.subscription(api=w.published(plans=["Gold", "Bronze"]))
    body = {"applicationId": str(row.application_id), "apiId": str(row.api_id), "throttlingPolicy": "Gold"}
    return w.devportal.put(f"/subscriptions/{row.pk}", {**body, "requestedThrottlingPolicy": "Bronze"})


@case("devportal", "DELETE /subscriptions/{subscriptionId}")
def delete(w: World) -> Answer:
    return w.devportal.delete(f"/subscriptions/{w.subscription().pk}")


@case("devportal", "getAdditionalInfoOfAPISubscriptions")
def additional(w: World) -> Answer:
    return w.devportal.get(f"/subscriptions/{w.subscription().api_id}/additionalInfo")


@case("devportal", "GET /subscriptions/{subscriptionId}/usage")
def usage(w: World) -> Answer:
    row = w.subscription()
    Api.objects.filter(pk=row.api_id).update(monetization={"enabled": True, "properties": {}})
    terms = {"monetizationPlan": "FIXEDRATE", "properties": {"fixedPrice": "10", "currencyType": "USD"}}
    Policy.objects.filter(name=row.plan).update(billing_plan="COMMERCIAL", monetization=terms)
    return w.devportal.get(f"/subscriptions/{row.pk}/usage")
