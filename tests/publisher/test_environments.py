"""Gateway environments with virtual hosts, and host names of organisations: who may change them, and what gateways are told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apim.accounts.models import User
from apim.errors import Conflict, Forbidden, Invalid
from apim.eventhub.feed import last_sequence
from apim.eventhub.models import Current, GatewayStatus
from portal.addresses import addresses
from publisher.actions.environments import delete_domain, save_domain, save_environment
from publisher.actions.revisions import create_revision, deploy_revision
from publisher.models import Api, Domain, GatewayEnvironment
from publisher.vhosts import usual
from tests.publisher.make import make_api
from tests.support.people import make_user

pytestmark = pytest.mark.django_db
HOSTS = [
    {"host": "eu.example.org", "http_port": 8280, "https_port": 8243, "context": "gw"},
    {"host": "us.example.org"},
]


def told(api: Api) -> dict[str, Any]:
    return json.loads(Current.objects.get(kind="api", key=f"Default:{api.pk}").record)


@pytest.fixture
def environment(admin: User) -> GatewayEnvironment:
    row = GatewayEnvironment.objects.get(organisation=admin.organisation, name="Default")
    return save_environment(by=admin, organisation=admin.organisation, name="Default", environment=row, vhosts=HOSTS)


def test_a_deployment_chooses_a_virtual_host(environment, admin, publisher_user):
    api = make_api(publisher_user)
    revision = create_revision(by=publisher_user, api=api)
    deploy_revision(by=publisher_user, revision=revision, environments=["Default"], vhost="eu.example.org")
    assert told(api)["hosts"] == ["eu.example.org"]
    path = f"{api.context}/1.0.0"
    assert addresses(api)[0].urls == [f"https://eu.example.org:8243/gw{path}", f"http://eu.example.org:8280/gw{path}"]
    with pytest.raises(Conflict, match=r"eu\.example\.org"):
        save_environment(
            by=admin, organisation=admin.organisation, name="Default", environment=environment, vhosts=HOSTS[1:]
        )
    for open_to_all in ("localhost", usual(environment).host):
        deploy_revision(by=publisher_user, revision=revision, environments=["Default"], vhost=open_to_all)
        assert "hosts" not in told(api)
    with pytest.raises(Invalid, match=r"mars\.example\.org.*localhost, eu\.example\.org, us\.example\.org"):
        deploy_revision(by=publisher_user, revision=revision, environments=["Default"], vhost="mars.example.org")


def test_the_address_of_an_environment_is_its_usual_host(environment, admin, publisher_user):
    api = make_api(publisher_user)
    revision = create_revision(by=publisher_user, api=api)
    deploy_revision(by=publisher_user, revision=revision, environments=["Default"], vhost="us.example.org")
    assert told(api)["hosts"] == ["us.example.org"]
    save_environment(
        by=admin, organisation=admin.organisation, name="Default", environment=environment,
        https_url="https://us.example.org", vhosts=[],
    )  # fmt: skip
    assert "hosts" not in told(api)


@pytest.mark.parametrize(
    ("hosts", "field"),
    [
        ([{"host": "a b"}], "vhosts[0].host"),
        ([{"host": "a.example", "http_port": 0}], "vhosts[0].http_port"),
        ([{"host": "a.example", "https_port": "443"}], "vhosts[0].https_port"),
        ([{"host": "a.example"}, {"host": "A.example"}], "vhosts[1]"),
        ([{"host": "a.example", "port": 1}], "vhosts[0]"),
        (["a.example"], "vhosts[0]"),
        ("a.example", "vhosts"),
    ],
)
def test_wrong_hosts_are_named(hosts, field, admin):
    with pytest.raises(Invalid) as refused:
        save_environment(by=admin, organisation=admin.organisation, name="New", display_name="New",
                         http_url="http://a.example", https_url="https://a.example", vhosts=hosts)  # fmt: skip
    assert field in [one.field for one in refused.value.fields]


def test_administrators_edit_their_environments_only(environment, publisher_user, other_organisation):
    stranger = make_user(other_organisation, "admin")
    for by in (publisher_user, stranger):
        with pytest.raises(Forbidden):
            save_environment(
                by=by, organisation=environment.organisation, name="Default", environment=environment, vhosts=[]
            )


def test_a_domain_stands_for_a_tenants_prefix(admin, other_organisation, publisher_user):
    domain = save_domain(by=admin, host_name="API.Acme.example", organisation=other_organisation)
    record = json.loads(Current.objects.get(kind="domain").record)
    assert record == {
        "host": "api.acme.example", "organisation": other_organisation.domain, "prefix": other_organisation.prefix
    }  # fmt: skip
    for by in (publisher_user, make_user(other_organisation, "admin")):
        with pytest.raises(Forbidden):
            save_domain(by=by, host_name="x.example", organisation=other_organisation)
    with pytest.raises(Invalid, match="everybody"):
        save_domain(by=admin, host_name="localhost", organisation=other_organisation)
    save_domain(by=admin, host_name="api.acme.example", organisation=admin.organisation)
    assert not Current.objects.filter(kind="domain").exists()
    delete_domain(by=admin, domain=domain)
    assert not Domain.objects.exists()


def test_the_admin_site_edits_both(environment, admin, other_organisation):
    User.objects.filter(pk=admin.pk).update(is_staff=True)
    client = Client()
    client.force_login(admin)
    address = f"/admin/publisher/gatewayenvironment/{environment.pk}/change/"
    assert "eu.example.org 8280 8243 /gw\nus.example.org 80 443" in client.get(address).content.decode()
    fields = {"display_name": "D", "description": "", "kind": "hybrid", "http_url": "http://localhost:8280",
              "https_url": "https://localhost:8243"}  # fmt: skip
    answer = client.post(address, {**fields, "vhosts": "north.example.org\nsouth.example.org 81 444 /x"})
    assert answer.status_code == 302, answer.content.decode()
    environment.refresh_from_db()
    assert [(one["host"], one["https_port"], one["context"]) for one in environment.vhosts] == [
        ("north.example.org", 443, ""), ("south.example.org", 444, "/x"),
    ]  # fmt: skip
    assert "Line 1" in client.post(address, {**fields, "vhosts": "north 1"}).content.decode()
    answer = client.post(
        "/admin/publisher/domain/add/", {"host": "api.acme.example", "organisation": other_organisation.pk}
    )
    assert answer.status_code == 302, answer.content.decode()
    assert Current.objects.filter(kind="domain", key="api.acme.example").exists()
    assert other_organisation.prefix in client.get("/admin/publisher/domain/").content.decode()


def test_the_publishers_page_offers_the_hosts(environment, publisher_user):
    api = make_api(publisher_user)
    client = Client()
    client.force_login(publisher_user)
    page = f"/publisher/apis/{api.pk}/deployments/"
    assert "us.example.org" in client.get(page).content.decode()
    client.post(page + "create/", {"environment": ["Default"], "vhost:Default": "us.example.org"})
    assert told(api)["hosts"] == ["us.example.org"]
    assert "https://us.example.org" in client.get(page).content.decode()


def test_the_list_says_how_the_gateways_are_doing(environment, admin):
    User.objects.filter(pk=admin.pk).update(is_staff=True)
    client = Client()
    client.force_login(admin)
    page = "/admin/publisher/gatewayenvironment/"
    text = client.get(page).content.decode()
    assert "none reports" in text and "eu.example.org, us.example.org" in text
    now = timezone.now()
    common = {"environment": "Default", "host": "h", "pid": 1, "started": now, "seen": now, "sequence": last_sequence()}
    GatewayStatus.objects.create(gateway="one", **common)
    assert "1 in step" in client.get(page).content.decode()
    GatewayStatus.objects.create(gateway="two", **{**common, "sequence": 0})
    GatewayStatus.objects.create(gateway="elsewhere", **{**common, "environment": "EU", "sequence": 0})
    assert ("1 of 2 behind" in client.get(page).content.decode()) == (last_sequence() > 0)
    GatewayStatus.objects.create(gateway="three", refusals=[{"kind": "api", "key": "x", "reason": "y"}], **common)
    assert "1 of 3 refuse a record" in client.get(page).content.decode()


def test_a_wrong_host_name_is_told_at_its_field_and_stays_typed(admin: User) -> None:
    admin.is_staff = admin.is_superuser = True
    admin.save()
    client = Client()
    client.force_login(admin)
    form = {"host": "no host!", "organisation": admin.organisation_id}
    answer = client.post("/admin/publisher/domain/add/", form)
    assert answer.status_code == 200
    assert "host name" in answer.context["adminform"].form.errors["host"][0]
    assert "no host!" in answer.content.decode()
    hosts = {
        "name": "EU",
        "organisation": admin.organisation_id,
        "display_name": "EU",
        "kind": "hybrid",
        "vhosts": "a_b",
    }
    urls = {"http_url": "http://eu.example.org", "https_url": "https://eu.example.org"}
    more = {"provider": "wso2", "gateway_type": "Regular", "permission": "PUBLIC"}
    answer = client.post("/admin/publisher/gatewayenvironment/add/", hosts | urls | more)
    assert "vhosts[0].host: " in answer.context["adminform"].form.errors["vhosts"][0]
    assert not GatewayEnvironment.objects.filter(name="EU").exists()
