"""Who of other organisations may subscribe (reference A18), and that gateways are told."""

from __future__ import annotations

import pytest

from apim.errors import NotFound
from apim.traffic.models import Policy
from portal.actions.subscriptions import subscribe
from portal.errors import NotAvailable, UnknownPolicy
from publisher.actions.apis import update_api
from publisher.models import Visibility
from tests.portal.builders import browser, current, make_api, make_application, rest
from tests.support.people import make_organisation, make_user

pytestmark = pytest.mark.django_db
CURRENT, ALL, SOME = "CURRENT_TENANT", "ALL_TENANTS", "SPECIFIC_TENANTS"


@pytest.fixture
def theirs(other_organisation):
    """A developer of another organisation."""
    return make_user(other_organisation, "Internal/subscriber")


@pytest.fixture
def api(organisation, publisher_user):
    return make_api(organisation, provider=publisher_user)


@pytest.mark.parametrize(
    ("availability", "named", "allowed"),
    [
        (CURRENT, [], False), (CURRENT, ["acme.com"], False), (ALL, [], True), (SOME, ["acme.com"], True),
        (SOME, ["other.org"], False), (SOME, [], False),
    ],
)  # fmt: skip
def test_the_rule(api, theirs, publisher_user, availability, named, allowed):
    changes = {"subscription_availability": availability, "subscription_tenants": named}
    update_api(by=publisher_user, api=api, **changes)
    application = make_application(theirs)
    if not allowed:
        with pytest.raises(NotAvailable, match="acme.com"):
            subscribe(by=theirs, application=application, api=api, plan="Gold")
        return
    row = subscribe(by=theirs, application=application, api=api, plan="Gold")
    assert row.organisation == theirs.organisation
    assert current("subscription", row.pk)["state"] == "UNBLOCKED"
    assert current("api", f"Default:{api.pk}")["cross_tenant"] is True


def test_narrowing_reaches_gateways_at_once(api, publisher_user):
    update_api(by=publisher_user, api=api, subscription_availability=ALL)
    assert current("api", f"Default:{api.pk}")["cross_tenant"] is True
    update_api(by=publisher_user, api=api, subscription_availability=CURRENT)
    assert (
        "cross_tenant" not in current("api", f"Default:{api.pk}")
        or not current("api", f"Default:{api.pk}")["cross_tenant"]
    )


@pytest.mark.parametrize("visibility", [Visibility.PRIVATE, Visibility.RESTRICTED])
def test_what_others_cannot_see_does_not_exist_for_them(api, theirs, publisher_user, visibility):
    update_api(by=publisher_user, api=api, subscription_availability=ALL)
    api.visibility, api.visible_roles = visibility, ["Internal/subscriber"]
    api.save()
    with pytest.raises(NotFound):
        subscribe(by=theirs, application=make_application(theirs), api=api, plan="Gold")


def test_roles_of_another_organisation_open_no_plan(api, theirs, publisher_user):
    update_api(by=publisher_user, api=api, subscription_availability=ALL)
    gold = Policy.objects.get(organisation=api.organisation, level="subscription", name="Gold")
    gold.permission, gold.roles = "ALLOW", ["Internal/subscriber"]
    gold.save()
    with pytest.raises(UnknownPolicy):
        subscribe(by=theirs, application=make_application(theirs), api=api, plan="Gold")


def test_over_rest_with_the_header_of_the_tenant(api, theirs, publisher_user):
    update_api(by=publisher_user, api=api, subscription_availability=SOME, subscription_tenants=["acme.com"])
    client, application = rest(theirs), make_application(theirs)
    listed = client.get("/api/am/devportal/v3/apis", headers={"X-WSO2-Tenant": "carbon.super"}).json()
    assert str(api.pk) in {one["id"] for one in listed["list"]}
    wanted = {"applicationId": str(application.pk), "apiId": str(api.pk), "throttlingPolicy": "Gold"}
    made = client.post("/api/am/devportal/v3/subscriptions", wanted, format="json")
    assert made.status_code == 201, made.content
    own = client.get(f"/api/am/devportal/v3/subscriptions?applicationId={application.pk}").json()
    assert own["count"] == 1
    publishers = rest(publisher_user).get(f"/api/am/publisher/v4/subscriptions?apiId={api.pk}").json()
    assert publishers["list"][0]["applicationInfo"]["subscriber"] == theirs.username
    third = make_user(make_organisation("third.org"), "Internal/subscriber")
    wanted["applicationId"] = str(make_application(third).pk)
    assert rest(third).post("/api/am/devportal/v3/subscriptions", wanted, format="json").status_code == 404


def test_the_publishers_page_sets_it(api, publisher_user):
    client, address = browser(publisher_user), f"/publisher/apis/{api.pk}/plans/"
    assert "Who may subscribe" in client.get(address).content.decode()
    form = {
        "plans": ["Gold"],
        "policy": "",
        "subscription_availability": SOME,
        "subscription_tenants": "acme.com, b.org",
    }
    assert client.post(address, form).status_code == 302
    api.refresh_from_db()
    assert (api.subscription_availability, api.subscription_tenants) == (SOME, ["acme.com", "b.org"])
