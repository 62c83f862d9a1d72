"""Applications shared with groups, attributes that administrators ask for, keys named by their type, uses of API keys."""

from __future__ import annotations

import time
from datetime import timedelta

import msgspec
import pytest
from django.utils import timezone

from apim.accounts.models import Organisation, User
from apim.errors import Invalid
from apim.eventhub import status
from apim.traffic.models import Permission, Policy
from gateway.schema import KeyUse, Status
from portal.actions.api_keys import generate_api_key
from portal.actions.sharing import share
from portal.actions.subscriptions import change_plan
from portal.models import ApiKey, Application, ApplicationAttribute, SharingGroup
from tests.portal.builders import browser, make_api, make_application, make_key, make_subscription, rest
from tests.support.people import make_organisation, make_user

pytestmark = pytest.mark.django_db
ROOT = "/api/am/devportal/v3"


@pytest.fixture
def mate(developer: User) -> User:
    return make_user(developer.organisation, "Internal/subscriber")


@pytest.fixture
def group(developer: User, mate: User) -> SharingGroup:
    made = SharingGroup.objects.create(organisation=developer.organisation, name="Team")
    made.members.add(developer, mate)
    return made


def test_members_work_with_a_shared_application_and_only_its_owner_deletes_it(
    developer: User, mate: User, group: SharingGroup
) -> None:
    application = make_application(developer, "Shop")
    client, path = rest(mate), f"{ROOT}/applications/{application.pk}"
    assert client.get(path).status_code == 404
    body = {"name": "Shop", "throttlingPolicy": "Unlimited", "groups": ["Team"]}
    shared = rest(developer).put(path, body, format="json").json()
    assert (shared["groups"], shared["visibility"]) == (["Team"], "SHARED_WITH_ORG")
    assert [row["name"] for row in client.get(f"{ROOT}/applications").json()["list"]] == ["Shop"]
    made = client.post(
        f"{path}/generate-keys",
        {"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"]},
        format="json",
    )
    assert made.status_code == 200
    row = make_subscription(application, make_api(developer.organisation))
    assert client.get(f"{ROOT}/subscriptions/{row.pk}").status_code == 200
    assert client.delete(path).status_code == 404
    assert client.put(path, {**body, "groups": []}, format="json").status_code == 404
    assert Application.objects.get().groups.count() == 1
    assert rest(developer).put(path, {**body, "groups": []}, format="json").status_code == 200
    assert client.get(path).status_code == 404


def test_one_shares_with_own_groups_alone(developer: User, group: SharingGroup) -> None:
    SharingGroup.objects.create(organisation=developer.organisation, name="Others")
    SharingGroup.objects.create(organisation=make_organisation("acme.com"), name="Foreign")
    application = make_application(developer)
    for name in ("Others", "Foreign", "None"):
        with pytest.raises(Invalid) as refused:
            share(by=developer, application=application, groups=[name])
        assert refused.value.fields[0].field == "groups"
    wrong = {"name": "New", "throttlingPolicy": "Unlimited", "groups": ["Others"]}
    assert rest(developer).post(f"{ROOT}/applications", wrong, format="json").status_code == 400
    assert not Application.objects.filter(name="New").exists()


def test_strangers_of_the_group_see_nothing(developer: User, group: SharingGroup) -> None:
    application = make_application(developer)
    share(by=developer, application=application, groups=["Team"])
    stranger = make_user(developer.organisation, "Internal/subscriber")
    assert rest(stranger).get(f"{ROOT}/applications/{application.pk}").status_code == 404
    assert rest(stranger).get(f"{ROOT}/applications").json()["count"] == 0


def test_the_page_shares_and_asks_for_attributes(developer: User, group: SharingGroup) -> None:
    ApplicationAttribute.objects.create(organisation=developer.organisation, name="Cost centre", required=True)
    ApplicationAttribute.objects.create(organisation=developer.organisation, name="Inner", hidden=True, required=True)
    client, body = browser(developer), {"name": "Shop", "throttlingPolicy": "Unlimited", "groups": ["Team"]}
    refused = client.post("/devportal/applications/new/", body)
    assert refused.status_code == 200 and not Application.objects.exists()
    assert b"Cost centre" in refused.content and b"Inner" not in refused.content
    client.post("/devportal/applications/new/", {**body, "attributes.Cost centre": "4711"})
    made = Application.objects.get()
    assert made.attributes == {"Cost centre": "4711"}
    assert [one.name for one in made.groups.all()] == ["Team"]
    Application.objects.update(attributes={"Cost centre": "4711", "sent by REST": "x"})
    client.post(f"/devportal/applications/{made.pk}/edit/", {**body, "attributes.Cost centre": "4712", "groups": []})
    made.refresh_from_db()
    assert made.attributes == {"Cost centre": "4712", "sent by REST": "x"}
    assert not made.groups.exists()


def test_rest_asks_for_attributes_too(developer: User) -> None:
    ApplicationAttribute.objects.create(organisation=developer.organisation, name="Cost centre", required=True)
    client, body = rest(developer), {"name": "Shop", "throttlingPolicy": "Unlimited"}
    refused = client.post(f"{ROOT}/applications", body, format="json")
    assert refused.status_code == 400
    assert refused.json()["error"][0]["field"] == "attributes.Cost centre"
    given = {**body, "attributes": {"Cost centre": "4711"}}
    assert client.post(f"{ROOT}/applications", given, format="json").status_code == 201
    listed = client.get(f"{ROOT}/settings/application-attributes").json()["list"]
    assert listed[0]["attribute"] == "Cost centre" and listed[0]["required"] == "true"


def test_groups_and_attributes_are_their_organisations_in_the_admin_site(organisation: Organisation) -> None:
    boss = make_user(make_organisation("acme.com"), "admin", is_staff=True)
    stranger = make_user(organisation, "Internal/subscriber")
    SharingGroup.objects.create(organisation=organisation, name="Foreign")
    client = browser(boss)
    assert b"Foreign" not in client.get("/admin/portal/sharinggroup/").content
    client.post("/admin/portal/sharinggroup/add/", {"name": "Ours", "description": "", "members": [stranger.pk]})
    assert not SharingGroup.objects.filter(members=stranger).exists()
    client.post("/admin/portal/applicationattribute/add/", {"name": "Cost centre", "position": "0", "required": "on"})
    assert ApplicationAttribute.objects.get().organisation.domain == "acme.com"


def test_keys_are_found_by_their_type(developer: User) -> None:
    application = make_application(developer)
    key, client = make_key(application), rest(developer)
    path = f"{ROOT}/applications/{application.pk}/keys"
    assert client.get(f"{path}/PRODUCTION").json()["keyMappingId"] == str(key.pk)
    assert client.get(f"{path}/SANDBOX").status_code == 404
    assert client.get(f"{path}/OTHER").status_code == 404
    assert client.get(f"{path}/PRODUCTION?keyManager=Elsewhere").status_code == 404
    changed = client.put(f"{path}/PRODUCTION", {"supportedGrantTypes": ["refresh_token"]}, format="json")
    assert changed.json()["supportedGrantTypes"] == ["refresh_token"]
    wrong = client.put(f"{path}/PRODUCTION", {"supportedGrantTypes": ["magic"]}, format="json")
    assert wrong.status_code == 400 and wrong.json()["error"][0]["field"] == "supportedGrantTypes"
    before = client.get(f"{path}/PRODUCTION")["ETag"]
    client.put(f"{path}/PRODUCTION", {"supportedGrantTypes": ["client_credentials"]}, format="json")
    assert client.post(f"{path}/PRODUCTION/clean-up", {}, format="json", HTTP_IF_MATCH=before).status_code == 412
    token = client.post(f"{path}/PRODUCTION/generate-token", {"validityPeriod": 60}, format="json").json()
    assert token["validityTime"] == 60
    assert client.post(f"{path}/PRODUCTION/regenerate-secret", {}, format="json").json()["consumerSecret"]
    assert client.post(f"{path}/PRODUCTION/clean-up", {}, format="json").status_code == 200
    assert client.get(path).json()["count"] == 0


def _report(*uses: KeyUse) -> None:
    told = Status("g:1", "Default", "g", 1, 0, 0, 0, time.time(), key_uses=list(uses))
    status.store(msgspec.json.encode(told))


def test_gateways_tell_when_an_api_key_was_used(developer: User) -> None:
    application = make_application(developer)
    key, _ = generate_api_key(by=developer, application=application, key_type="PRODUCTION")
    path, client = f"{ROOT}/applications/{application.pk}/api-keys/PRODUCTION", rest(developer)
    assert client.get(path).json()["list"][0]["lastUsed"] == "NOT_USED"
    now = time.time()
    _report(KeyUse(key.jti, now - 60), KeyUse("gone", now))
    first = ApiKey.objects.get().last_used
    assert first is not None and timedelta(seconds=50) < timezone.now() - first < timedelta(seconds=90)
    assert client.get(path).json()["list"][0]["lastUsed"].startswith(f"{first:%Y-%m-%d}")
    _report(KeyUse(key.jti, now - 600), KeyUse(key.jti, now + 10**6))
    assert ApiKey.objects.get().last_used == first
    page = browser(developer).get(f"/devportal/applications/{application.pk}/production/api-keys/").content.decode()
    assert "Last used" in page and "not yet" not in page


def test_members_choose_among_the_plans_of_their_own_roles(developer: User, mate: User, group: SharingGroup) -> None:
    application = make_application(developer, "Shop")
    share(by=developer, application=application, groups=["Team"])
    row = make_subscription(application, make_api(developer.organisation, plans=("Gold", "Bronze")))
    Policy.objects.filter(organisation=developer.organisation, name="Bronze").update(
        permission=Permission.ALLOW, roles=["partner"]
    )
    with pytest.raises(Invalid):
        change_plan(by=mate, subscription=row, plan="Bronze")
