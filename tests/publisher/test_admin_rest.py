"""Admin REST of what the publisher has: environments, categories, labels, providers, sequences, usage."""

from __future__ import annotations

import json

import pytest
from rest_framework.test import APIClient

from apim.accounts.models import AuditRow
from apim.errors import Forbidden
from apim.eventhub.models import Current
from publisher import hooks
from publisher.actions.revisions import create_revision, deploy_revision
from publisher.models import GatewayEnvironment, OperationPolicy, UsagePublication
from publisher.vhosts import platform_gateways, usual
from tests.publisher.make import make_api
from tests.support.people import make_user

pytestmark = pytest.mark.django_db
BASE = "/api/am/admin/v4"
ENVIRONMENT = {
    "name": "EU",
    "displayName": "Europe",
    "vhosts": [
        {"host": "eu.example.org", "httpContext": "gw", "httpPort": 8280, "httpsPort": 8243},
        {"host": "eu2.example.org", "wsPort": 19099},
    ],
}


def call(user, verb, path, body=None, **more):
    client = APIClient()
    client.force_login(user)
    return getattr(client, verb)(BASE + path, body, format="json", **more)


def test_an_environment_makes_the_round(admin):
    made = call(admin, "post", "/environments", ENVIRONMENT)
    assert made.status_code == 201, made.content
    body = made.json()
    row = GatewayEnvironment.objects.get(pk=body["id"])
    assert made["Location"] == f"/environments/{row.pk}"
    assert (row.https_url, usual(row).host, row.kind) == ("https://eu.example.org:8243/gw", "eu.example.org", "hybrid")
    assert [one["host"] for one in body["vhosts"]] == ["eu.example.org", "eu2.example.org"]
    assert (body["vhosts"][1]["wsPort"], body["vhosts"][1]["wssPort"]) == (19099, 8099)
    assert call(admin, "post", "/environments", ENVIRONMENT).status_code == 409
    changed = call(
        admin, "put", f"/environments/{row.pk}", body | {"description": "near", "vhosts": body["vhosts"][::-1]}
    )
    assert (changed.json()["description"], changed.json()["vhosts"][0]["host"]) == ("near", "eu.example.org")
    tag = call(admin, "get", "/environments")
    assert tag.json()["count"] == 2
    assert call(admin, "delete", f"/environments/{row.pk}", headers={"If-Match": '"old"'}).status_code == 412
    assert call(admin, "delete", f"/environments/{row.pk}").status_code == 200
    assert call(admin, "delete", f"/environments/{row.pk}").status_code == 404


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"vhosts": []}, "vhosts"),
        ({"vhosts": [{"host": "a b"}]}, "vhosts[0].host"),
        ({"vhosts": [{"host": "a.org", "httpPort": 0}]}, "vhosts[0].host"),
        ({"vhosts": [{"host": "a.org"}, {"host": "b.org", "httpsPort": 70000}]}, "vhosts[0].https_port"),
        ({"name": "a b"}, "name"),
        ({"type": "strange"}, "type"),
        ({"permissions": {"permissionType": "SOME", "roles": []}}, "permissions.permissionType"),
        ({"permissions": {"permissionType": "ALLOW", "roles": "all"}}, "permissions.roles"),
        ({"endpointURIs": ["x"]}, "endpointURIs[0]"),
    ],
)
def test_wrong_environments_name_their_field(admin, change, place):
    answer = call(admin, "post", "/environments", ENVIRONMENT | change)
    assert answer.status_code == 400
    assert place in [one["field"] for one in answer.json()["error"]], answer.json()


def test_an_environment_in_use_stays(admin, publisher_user):
    api = make_api(publisher_user)
    deploy_revision(by=publisher_user, revision=create_revision(by=publisher_user, api=api), environments=["Default"])
    row = GatewayEnvironment.objects.get(name="Default")
    assert call(admin, "delete", f"/environments/{row.pk}").status_code == 409


def test_permissions_of_an_environment_decide_who_deploys(admin, publisher_user, organisation):
    open_to = {"permissions": {"permissionType": "ALLOW", "roles": ["Internal/devops"]}}
    call(admin, "post", "/environments", ENVIRONMENT | open_to)
    revision = create_revision(by=publisher_user, api=make_api(publisher_user))
    with pytest.raises(Forbidden, match="EU is not open"):
        deploy_revision(by=publisher_user, revision=revision, environments=["EU"])
    operator = make_user(organisation, "Internal/devops")
    assert deploy_revision(by=operator, revision=revision, environments=["EU"])
    client = APIClient()
    client.force_login(publisher_user)
    shown = client.get("/api/am/publisher/v4/settings").json()["environment"]
    assert [one["name"] for one in shown] == ["Default"]


def test_tenants_see_and_change_their_own_only(admin, other_organisation):
    boss = make_user(other_organisation, "admin")
    first = GatewayEnvironment.objects.get(organisation=admin.organisation)
    body = ENVIRONMENT | {"name": "Default"}
    assert call(boss, "put", f"/environments/{first.pk}", body).status_code == 404
    call(boss, "post", "/environments", ENVIRONMENT | {"vhosts": [{"host": "thief.example.org"}]})
    assert platform_gateways().keys() == {"Default"}, "the cluster secret goes to no address that a tenant wrote"
    category = call(admin, "post", "/api-categories", {"name": "Finance"}).json()
    assert call(boss, "put", f"/api-categories/{category['id']}", {"name": "x"}).status_code == 404
    assert call(boss, "get", "/api-categories").json()["count"] == 0
    assert call(boss, "post", "/api-categories", {"name": "Finance"}).status_code == 201
    label = call(admin, "post", "/labels", {"name": "L"}).json()
    assert call(boss, "delete", f"/labels/{label['id']}").status_code == 404
    api = make_api(admin)
    assert call(boss, "get", "/apis").json()["apis"] == []
    assert call(boss, "post", f"/apis/{api.pk}/change-provider?provider=admin").status_code == 404


def test_categories_have_names_of_their_own_and_stay_while_used(admin):
    made = call(admin, "post", "/api-categories", {"name": "Finance", "description": "d"}).json()
    assert call(admin, "post", "/api-categories", {"name": "FINANCE"}).status_code == 409
    assert call(admin, "post", "/api-categories", {"name": "  "}).status_code == 400
    assert call(admin, "post", "/api-categories", {"name": "x" * 256}).status_code == 400
    make_api(admin).categories.add(made["id"])
    assert call(admin, "get", "/api-categories").json()["list"][0]["numberOfAPIs"] == 1
    assert call(admin, "delete", f"/api-categories/{made['id']}").status_code == 409


def test_an_api_gets_another_provider_and_gateways_are_told(admin, publisher_user, organisation, developer):
    api = make_api(publisher_user)
    deploy_revision(by=publisher_user, revision=create_revision(by=publisher_user, api=api), environments=["Default"])
    heir = make_user(organisation, "Internal/creator", username="heir")
    for wrong in ("nobody", developer.username, ""):
        assert call(admin, "post", f"/apis/{api.pk}/change-provider?provider={wrong}").status_code == 400
    assert call(publisher_user, "post", f"/apis/{api.pk}/change-provider?provider=heir").status_code == 403
    assert call(admin, "post", f"/apis/{api.pk}/change-provider?provider=heir").status_code == 200
    assert json.loads(Current.objects.get(kind="api", key=f"Default:{api.pk}").record)["provider"] == heir.username
    assert call(admin, "get", "/apis?query=provider:heir").json()["apis"][0]["provider"] == "heir"
    assert AuditRow.objects.filter(action="api.change_provider").count() == 1


def test_a_sequence_is_a_common_policy(admin):
    sequence = '<sequence xmlns="http://ws.apache.org/ns/synapse" name="n"><property name="a" value="b"/></sequence>'
    made = call(admin, "post", "/policies/mediation", {"name": "noted.xml", "type": "FAULT", "config": sequence}).json()
    policy = OperationPolicy.objects.get(pk=made["id"])
    assert (policy.name, policy.specification["applicableFlows"], policy.api) == ("noted", ["fault"], None)
    assert 'value="b"' in call(admin, "get", f"/policies/mediation/{policy.pk}").json()["config"]
    assert call(admin, "get", "/policies/mediation?query=name:not").json()["list"][0]["type"] == "fault"
    for config in ("<x", "<log/>", '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><sequence>&a;</sequence>'):
        body = {"name": "other", "type": "IN", "config": config}
        answer = call(admin, "post", "/policies/mediation", body)
        assert answer.status_code in (200, 400)
        assert b"root:" not in answer.content


def test_usage_goes_to_billing_engines_from_where_the_last_good_time_ended(admin, monkeypatch):
    asked = []
    monkeypatch.setattr(hooks, "_billing", [lambda organisation, since: asked.append(since) or 7])
    assert "7 usage records" in call(admin, "post", "/monetization/publish-usage").json()["message"]
    first = UsagePublication.objects.get()
    monkeypatch.setattr(hooks, "_billing", [lambda organisation, since: 1 // 0])
    with pytest.raises(ZeroDivisionError):
        call(admin, "post", "/monetization/publish-usage")
    assert call(admin, "get", "/monetization/publish-usage/status").json()["status"] == "FAILED"
    monkeypatch.setattr(hooks, "_billing", [lambda organisation, since: asked.append(since) or 0])
    call(admin, "post", "/monetization/publish-usage")
    assert asked == [None, first.published]
