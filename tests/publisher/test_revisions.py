"""Revisions, deployments, and the records that gateways get."""

from __future__ import annotations

import threading

import msgspec
import pytest
from django.db import connection

from apim.errors import Conflict, Forbidden, Invalid, NotFound
from apim.eventhub.models import Current
from gateway import schema
from publisher.actions.apis import update_api
from publisher.actions.lifecycle import change_state
from publisher.actions.revisions import (
    create_revision,
    delete_revision,
    deploy_revision,
    restore_revision,
    undeploy_revision,
)
from publisher.errors import NoEndpoint, RevisionDeployed, TooManyRevisions
from publisher.models import Api, GatewayEnvironment, Revision
from tests.publisher.make import deploy, make_api, plan


def told(api, environment="Default") -> schema.Api:
    """What the gateways of `environment` run of `api`."""
    row = Current.objects.get(key=f"{environment}:{api.pk}")
    assert (row.environment, row.organisation) == (environment, api.organisation.domain)
    return msgspec.json.decode(row.record, type=schema.Api)


def test_the_record_is_built_from_the_snapshot(publisher_user):
    plan(publisher_user.organisation, "10KPerMin", "api")
    api = make_api(
        publisher_user,
        name="Pizza",
        context="/pizza",
        operations=[{"verb": "get", "target": "/menu/{id}", "auth": "user", "scopes": ["read"], "policy": "10KPerMin"}],
        endpoints={
            "production": {"url": "http://a.example", "timeout_ms": 1500},
            "sandbox": {"url": "http://b.example"},
        },
        cors={"enabled": True, "origins": ["https://x.example"], "credentials": True},
        authorization_header="X-Auth",
        audiences=["pizza"],
    )
    revision = deploy(publisher_user, api)
    update_api(by=publisher_user, api=api, endpoints={}, operations=[], authorization_header="Y")
    assert told(api) == schema.Api(
        id=str(api.pk),
        organisation="carbon.super",
        name="Pizza",
        version="1.0.0",
        context="/pizza/1.0.0",
        provider="publisher",
        revision=revision.number,
        operations=(schema.Operation("GET", "/menu/{id}", "user", ("read",), "10KPerMin"),),
        production=schema.Endpoint("http://a.example", timeout_ms=1500),
        sandbox=schema.Endpoint("http://b.example"),
        lifecycle="CREATED",
        cors=schema.Cors(origins=("https://x.example",), credentials=True),
        authorization_header="X-Auth",
        audiences=("pizza",),
    )


def test_tenant_and_version_stand_in_the_context(other_organisation, make_user):
    user = make_user(other_organisation, "Internal/publisher")
    api = make_api(user, context="/shop/{version}/pizza", version="2", is_default_version=True)
    deploy(user, api)
    assert (told(api).context, told(api).default_context) == ("/t/acme.com/shop/2/pizza", "/t/acme.com/shop/pizza")


def test_a_context_of_nothing_but_the_version_has_no_default_path(other_organisation, make_user):
    user = make_user(other_organisation, "Internal/publisher")
    api = make_api(user, context="/{version}", version="v2", is_default_version=True)
    deploy(user, api)
    assert (told(api).context, told(api).default_context) == ("/t/acme.com/v2", "")


def test_five_revisions_and_no_number_twice(publisher_user):
    api = make_api(publisher_user)
    made = [create_revision(by=publisher_user, api=api) for _ in range(5)]
    with pytest.raises(TooManyRevisions):
        create_revision(by=publisher_user, api=api)
    delete_revision(by=publisher_user, revision=made[-1])
    assert create_revision(by=publisher_user, api=api).number == 6


def test_a_deployed_revision_stays(publisher_user):
    api = make_api(publisher_user)
    revision = deploy(publisher_user, api)
    with pytest.raises(RevisionDeployed, match="Default"):
        delete_revision(by=publisher_user, revision=revision)
    undeploy_revision(by=publisher_user, revision=revision)
    assert not Current.objects.filter(kind="api").exists()
    delete_revision(by=publisher_user, revision=revision)
    with pytest.raises(NotFound):
        delete_revision(by=publisher_user, revision=revision)


def test_environments_run_different_revisions(publisher_user):
    organisation = publisher_user.organisation
    GatewayEnvironment.objects.create(
        organisation=organisation,
        name="EU",
        display_name="EU",
        http_url="http://eu.example",
        https_url="https://eu.example",
    )
    api = make_api(publisher_user)
    first = deploy(publisher_user, api)
    second = create_revision(by=publisher_user, api=api)
    deploy_revision(by=publisher_user, revision=second, environments=["EU"], vhost="eu.example")
    assert (told(api).revision, told(api, "EU").revision) == (first.number, second.number)
    deploy_revision(by=publisher_user, revision=second, environments=["Default", "EU"])
    assert told(api).revision == second.number
    assert not first.deployments.exists()
    undeploy_revision(by=publisher_user, revision=second, environments=["EU"])
    assert [d.environment.name for d in second.deployments.all()] == ["Default"]


def test_what_cannot_be_deployed(publisher_user, creator):
    api = make_api(publisher_user)
    revision = create_revision(by=publisher_user, api=api)
    for wrong in ({"environments": ["Mars"]}, {"environments": []}, {"environments": ["Default"], "vhost": "a b"}):
        with pytest.raises(Invalid):
            deploy_revision(by=publisher_user, revision=revision, **wrong)
    with pytest.raises(Forbidden):
        deploy_revision(by=creator, revision=revision, environments=["Default"])
    bare = create_revision(by=publisher_user, api=make_api(publisher_user, endpoints={}))
    with pytest.raises(NoEndpoint):
        deploy_revision(by=publisher_user, revision=bare, environments=["Default"])


def test_a_retired_api_is_not_deployed(publisher_user):
    api = make_api(publisher_user)
    revision = deploy(publisher_user, api)
    for action in ("Publish", "Deprecate", "Retire"):
        change_state(by=publisher_user, api=api, action=action)
    with pytest.raises(Conflict):
        deploy_revision(by=publisher_user, revision=revision, environments=["Default"])


def test_restore_brings_the_design_back(publisher_user):
    gone = plan(publisher_user.organisation, "Bespoke")
    api = make_api(
        publisher_user, tags=["old"], plans=["Gold", "Bespoke"], operations=[{"verb": "GET", "target": "/a"}]
    )
    revision = create_revision(by=publisher_user, api=api)
    update_api(by=publisher_user, api=api, tags=["new"], plans=[], operations=[{"verb": "GET", "target": "/b"}])
    gone.delete()
    restored = restore_revision(by=publisher_user, revision=revision)
    assert restored.tags == ["old"]
    assert [p.name for p in restored.plans.all()] == ["Gold"]
    assert [o.target for o in restored.operations.all()] == ["/a"]


@pytest.mark.django_db(transaction=True)
def test_parallel_revisions_get_different_numbers(publisher_user):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite's in-memory test database has no second writer; run with --database=postgres")
    api = make_api(publisher_user)
    outcomes = []

    def work():
        try:
            outcomes.append(create_revision(by=publisher_user, api=Api.objects.get(pk=api.pk)).number)
        except TooManyRevisions:
            outcomes.append("full")
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(map(str, outcomes)) == ["1", "2", "3", "4", "5", "full", "full", "full"]
    assert Revision.objects.filter(api=api).count() == 5
