"""What the portal offers besides: plans, key managers, settings, organisations, recommendations, the caller's account."""

from __future__ import annotations

from portal.models import ApplicationAttribute
from tests.contracts.harness import Answer, case
from tests.contracts.world import World
from tests.portal.builders import make_application, make_subscription
from tests.support.people import PASSWORD, make_user


@case("devportal", "GET /throttling-policies/{policyLevel}")
def policies(w: World) -> Answer:
    return w.devportal.get("/throttling-policies/subscription")


@case("devportal", "GET /throttling-policies/{policyLevel}/{policyId}")
def one_policy(w: World) -> Answer:
    return w.devportal.get("/throttling-policies/application/Unlimited")


@case("devportal", "GET /key-managers")
def key_managers(w: World) -> Answer:
    return w.devportal.get("/key-managers")


@case("devportal", "GET /settings")
def settings(w: World) -> Answer:
    return w.devportal.get("/settings")


@case("devportal", "GET /settings/application-attributes")
def attributes(w: World) -> Answer:
    ApplicationAttribute.objects.create(organisation=w.organisation, name="Cost centre", required=True)
    return w.devportal.get("/settings/application-attributes")


@case("devportal", "GET /tenants")
def tenants(w: World) -> Answer:
    return w.devportal.get("/tenants?state=active")


@case("devportal", "GET /recommendations")
def recommendations(w: World) -> Answer:
    shared, further = w.published(), w.published()
    w.subscription(api=shared)
    other = make_application(make_user(w.organisation, "Internal/subscriber"))
    for api in (shared, further):
        make_subscription(other, api)
    return w.devportal.get("/recommendations")


@case("devportal", "changeUserPassword")
def change_password(w: World) -> Answer:
    body = {"currentPassword": PASSWORD, "newPassword": "another horse 8"}
    return w.devportal.post("/me/change-password", body)


@case("devportal", "organizationInformation")
def organisation(w: World) -> Answer:
    return w.devportal.get("/me/organization-information")
