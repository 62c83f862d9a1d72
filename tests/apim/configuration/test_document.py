"""The tenant configuration: defaults, what is kept, what is honoured, what is refused."""

from __future__ import annotations

import json

import pytest

from apim.accounts.actions.users import sign_up
from apim.configuration import document
from tests.support.people import make_user

pytestmark = pytest.mark.django_db


def test_what_is_not_understood_is_kept(admin, rest):
    client = rest(admin)
    content = client.call("get", "/tenant-config").json()
    assert content["RESTAPIScopes"]["Scope"][0].keys() == {"Name", "Roles"}
    content["Theirs"] = {"deep": [1, {"x": None}]}
    assert client.call("put", "/tenant-config", content).json() == content
    assert client.call("get", "/tenant-config").json() == content


def test_people_who_sign_up_get_the_roles_of_the_configuration(admin, organisation, rest):
    content = document.defaults() | {"SelfSignUp": {"SignUpRoles": ["Internal/creator", "nobody", "admin"]}}
    assert rest(admin).call("put", "/tenant-config", content).status_code == 200
    user = sign_up(organisation=organisation, username="newcomer", email="n@example.org", password="long enough 77")
    assert user.role_names == {"Internal/creator"}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"RESTAPIScopes": []}, "RESTAPIScopes"),
        ({"RESTAPIScopes": {"Scope": [{"Name": "apim:admin"}]}}, "RESTAPIScopes.Scope.0"),
        ({"RESTAPIScopes": {"Scope": [{"Name": "apim:admin", "Roles": "nobody"}]}}, "RESTAPIScopes.Scope"),
        ({"SelfSignUp": {"SignUpRoles": "all"}}, "SelfSignUp.SignUpRoles"),
        ({"EnableMonetization": "yes"}, "EnableMonetization"),
        ({"DefaultAPILevelTier": 7}, "DefaultAPILevelTier"),
        ({"x": "a\0b"}, "body"),
    ],
)
def test_mistakes_name_their_field(admin, rest, change, place):
    answer = rest(admin).call("put", "/tenant-config", document.defaults() | change)
    assert answer.status_code == 400
    assert place in [one["field"] for one in answer.json()["error"]], answer.json()


def test_size_and_depth_are_bounded(admin, rest):
    client = rest(admin)
    deep: object = 1
    for _ in range(40):
        deep = [deep]
    assert client.call("put", "/tenant-config", {"x": deep}).status_code == 400
    long = {"x": "y" * (document.LARGEST + 1)}
    answer = client.put("/api/am/admin/v4/tenant-config", json.dumps(long), content_type="application/json")
    assert answer.status_code == 413
    assert client.call("put", "/tenant-config", [1]).status_code == 400


def test_a_tenant_reads_its_own(admin, other_organisation, rest):
    rest(admin).call("put", "/tenant-config", document.defaults() | {"Secret": "of the first"})
    boss = make_user(other_organisation, "admin")
    assert "Secret" not in rest(boss).call("get", "/tenant-config").json()
    assert rest(make_user(other_organisation)).call("get", "/tenant-config").status_code == 403


def test_users_of_other_organisations_are_not_told(admin, other_organisation, rest):
    boss = make_user(other_organisation, "admin", username="boss")
    assert rest(boss).call("get", "/tenant-info/admin").status_code == 404
    assert rest(boss).call("get", "/custom-urls/carbon.super").status_code == 404
    found = rest(admin).call("get", f"/tenant-info/{boss.username}").json()
    assert found == {"username": boss.username, "tenantDomain": "acme.com", "tenantId": other_organisation.pk}
    assert rest(admin).call("get", "/tenant-info/admin").json()["tenantId"] == -1234
    assert rest(boss).call("get", "/custom-urls/acme.com").json()["devPortal"]["url"].endswith("/t/acme.com/devportal")


def test_proposed_policies_are_proposed(admin, developer, organisation, rest):
    tiers = {
        "DefaultApplicationLevelTier": "20PerMin",
        "DefaultAPILevelTier": "10KPerMin",
        "DefaultSubscriptionLevelTier": "Gold",
    }
    assert rest(admin).call("put", "/tenant-config", document.defaults() | tiers).status_code == 200
    made = rest(developer).post("/api/am/devportal/v3/applications", {"name": "Shop"}, format="json")
    assert made.json()["throttlingPolicy"] == "20PerMin"
    page = rest(developer).get("/devportal/applications/new/").content.decode()
    assert '<option value="20PerMin" selected>' in page
    settings = rest(admin).get("/api/am/publisher/v4/settings").json()
    assert (settings["defaultAdvancePolicy"], settings["defaultSubscriptionPolicy"]) == ("10KPerMin", "Gold")
    rest(admin).call("put", "/tenant-config", document.defaults() | {"DefaultApplicationLevelTier": "Gone"})
    made = rest(developer).post("/api/am/devportal/v3/applications", {"name": "Shop 2"}, format="json")
    assert made.json()["throttlingPolicy"] == "Unlimited"
