"""Host names of organisations' own: shown to be theirs by the DNS, then their pages answer there."""

from __future__ import annotations

import pytest

from apim.accounts import hosts
from apim.accounts.actions import portal_domains
from apim.accounts.actions.organisations import update_organisation
from apim.accounts.actions.roles import set_roles
from apim.accounts.models import PortalDomain
from apim.errors import Conflict, Invalid, NotFound
from tests.portal.builders import make_api
from tests.support.people import make_organisation, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh():
    """Nothing remembered from another test."""
    hosts.forget()
    yield
    hosts.forget()


@pytest.fixture
def boss(other_organisation):
    return set_roles(by=None, user=make_user(other_organisation), roles=["admin"])


def verified(monkeypatch, boss, host="portal.acme.example") -> PortalDomain:
    row = portal_domains.add_domain(by=boss, organisation=boss.organisation, host=host)
    monkeypatch.setattr(portal_domains, "texts", lambda name: {row.token} if name == f"_apim-portal.{host}" else set())
    return portal_domains.verify_domain(by=boss, domain=row)


def test_its_pages_answer_there(monkeypatch, boss, client, admin):
    make_api(boss.organisation, "Ours")
    make_api(admin.organisation, "Theirs")
    assert client.get("/devportal/", headers={"host": "portal.acme.example"}).status_code == 400
    verified(monkeypatch, boss)
    answer = client.get("/devportal/", headers={"host": "portal.acme.example:9443"})
    page = answer.content.decode()
    assert answer.status_code == 200 and "Ours" in page and "Theirs" not in page
    assert "/t/acme.com" not in page, "its links need no prefix"
    client.force_login(admin)
    visitor = client.get("/devportal/applications/", headers={"host": "portal.acme.example"})
    assert visitor.status_code == 302, "people of other organisations are visitors there"
    assert "Theirs" in client.get("/devportal/").content.decode()


def test_people_log_in_there_without_the_domain_in_their_name(monkeypatch, boss, client):
    verified(monkeypatch, boss)
    from tests.support.people import PASSWORD

    local = boss.username.partition("@")[0]
    answer = client.post(
        "/accounts/login/", {"username": local, "password": PASSWORD}, headers={"host": "portal.acme.example"}
    )
    assert answer.status_code == 302 and client.session["_auth_user_id"] == str(boss.pk)


def test_nothing_answers_before_it_is_verified_or_after_it_is_gone(monkeypatch, boss, client, admin):
    row = portal_domains.add_domain(by=boss, organisation=boss.organisation, host="portal.acme.example")
    monkeypatch.setattr(portal_domains, "texts", lambda name: {"something else"})
    with pytest.raises(Invalid, match="_apim-portal.portal.acme.example"):
        portal_domains.verify_domain(by=boss, domain=row)
    there = {"host": "portal.acme.example"}
    assert client.get("/devportal/", headers=there).status_code == 400
    monkeypatch.setattr(portal_domains, "texts", lambda name: {row.token})
    portal_domains.verify_domain(by=boss, domain=row)
    platform = set_roles(by=None, user=admin, roles=["admin"])
    update_organisation(by=platform, organisation=boss.organisation, display_name="x", self_signup=True, active=False)
    hosts.forget()
    assert client.get("/devportal/", headers=there).status_code == 400
    update_organisation(by=platform, organisation=boss.organisation, display_name="x", self_signup=True, active=True)
    hosts.forget()
    assert client.get("/devportal/", headers=there).status_code == 200
    portal_domains.remove_domain(by=platform, domain=row)
    assert client.get("/devportal/", headers=there).status_code == 400


def test_a_name_belongs_to_who_shows_it_first(monkeypatch, boss):
    verified(monkeypatch, boss)
    third = set_roles(by=None, user=make_user(make_organisation("third.org")), roles=["admin"])
    with pytest.raises(Conflict, match="another organisation"):
        verified(monkeypatch, third)
    with pytest.raises(NotFound):
        portal_domains.remove_domain(by=third, domain=PortalDomain.objects.get(organisation=boss.organisation))


@pytest.mark.parametrize("host", ["localhost", "", "a b", "10.0.0.1", "-x.example", "x.example/path", "x" * 260])
def test_wrong_names_are_refused(boss, host):
    with pytest.raises(Invalid):
        portal_domains.add_domain(by=boss, organisation=boss.organisation, host=host)


def test_rest_callers_of_others_are_refused_there(monkeypatch, boss, client, make_user, organisation):
    import base64

    from tests.support.people import PASSWORD

    verified(monkeypatch, boss)
    other = make_user(organisation, "Internal/publisher")
    basic = base64.b64encode(f"{other.username}:{PASSWORD}".encode()).decode()
    headers = {"host": "portal.acme.example", "authorization": f"Basic {basic}"}
    assert client.get("/api/am/publisher/v4/apis", headers=headers).status_code == 401
