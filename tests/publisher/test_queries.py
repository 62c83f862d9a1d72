"""What the portal may show, what uses a policy, what a new organisation gets."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from apim.accounts.models import Role
from apim.errors import ApimError
from apim.traffic.actions.policies import delete_policy
from apim.traffic.models import Level
from publisher.models import Api, GatewayEnvironment, State
from publisher.queries import uses_of_policy, visible_apis
from publisher.seeds import seed_environment
from tests.publisher.make import deploy, make_api, plan


def published(by, name, **fields):
    api = make_api(by, name=name, **fields)
    Api.objects.filter(pk=api.pk).update(state=State.PUBLISHED)
    return api


def names(user, organisation, **more):
    return {api.name for api in visible_apis(user, organisation, **more)}


def test_who_sees_what(publisher_user, organisation, other_organisation, make_user):
    Role.objects.create(organisation=organisation, name="gourmets")
    published(publisher_user, "Open")
    published(publisher_user, "House", visibility="PRIVATE")
    published(publisher_user, "Club", visibility="RESTRICTED", visible_roles=["gourmets"])
    gourmet, guest, stranger = (
        make_user(organisation, "gourmets"),
        make_user(organisation),
        make_user(other_organisation, "admin"),
    )
    assert names(AnonymousUser(), organisation) == {"Open"}
    assert names(stranger, organisation) == {"Open"}
    assert names(guest, organisation) == {"Open", "House"}
    assert names(gourmet, organisation) == {"Open", "House", "Club"}
    assert names(make_user(organisation, "admin"), organisation) == {"Open", "House", "Club"}
    assert names(gourmet, other_organisation) == set()


@pytest.mark.parametrize("state", State.values)
def test_states_that_are_shown(publisher_user, organisation, state):
    api = make_api(publisher_user)
    Api.objects.filter(pk=api.pk).update(state=state)
    shown = bool(names(publisher_user, organisation))
    assert shown == (state in (State.PUBLISHED, State.PROTOTYPED))
    assert bool(names(publisher_user, organisation, subscribed=[api.pk])) == (shown or state == State.DEPRECATED)


def test_a_policy_in_use_is_told_and_kept(publisher_user, admin):
    limit = plan(publisher_user.organisation, "9PerMin", Level.API)
    plan_used = plan(publisher_user.organisation, "Bespoke")
    one = make_api(publisher_user, plans=["Bespoke"], operations=[{"verb": "GET", "target": "/", "policy": "9PerMin"}])
    two = make_api(publisher_user, policy="9PerMin")
    assert set(uses_of_policy(limit)) == {f"API {one}", f"API {two}"}
    assert list(uses_of_policy(plan_used)) == [f"API {one}"]
    with pytest.raises(ApimError):
        delete_policy(by=admin, policy=plan_used)


def test_a_new_organisation_has_the_default_environment(organisation, other_organisation):
    for owner in (organisation, other_organisation):
        seed_environment(owner)
        found = GatewayEnvironment.objects.get(organisation=owner)
        assert (found.name, found.https_url) == ("Default", "https://localhost:8243")


def test_the_admin_site_shows_everything(client, admin, publisher_user):
    admin.is_staff = True
    admin.save()
    deploy(publisher_user, make_api(publisher_user, name="Shown"))
    client.force_login(admin)
    for model in ("api", "gatewayenvironment", "revision", "deployment"):
        page = client.get(reverse(f"admin:publisher_{model}_changelist"))
        assert page.status_code == 200
    assert b"Shown" in client.get(reverse("admin:publisher_api_changelist")).content
    environment = GatewayEnvironment.objects.get(organisation=admin.organisation)
    client.post(reverse("admin:publisher_gatewayenvironment_delete", args=[environment.pk]), {"post": "yes"})
    assert GatewayEnvironment.objects.filter(pk=environment.pk).exists()
