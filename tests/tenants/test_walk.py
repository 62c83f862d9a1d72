"""Walks every address there is – pages, REST, admin – as another tenant's administrator and as nobody.

New addresses are included by themselves; one with a placeholder that has no sample fails `test_every_placeholder_has_a_sample`.
"""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from tests.portal.builders import browser
from tests.support.people import make_organisation
from tests.tenants.addresses import Address, addresses
from tests.tenants.holdings import MARK, Holdings, administrator, holdings

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(1200)]
PAGES, ADMIN, REST = "pages", "admin", "rest"
NOT_SHOWN = (302, 400, 401, 403, 404, 405, 406, 412, 415, 501)
"""What somebody is answered who names another tenant's thing."""

OURS = frozenset({
    "level", "name", "key_type", "language", "deployment_id", "environment", "role_id", "scope_name", "tenant",
    "tenant_domain", "domain", "username", "rest", "rule_id", "url", "app_label", "content_type_id", "uuid",
    "client", "client_id",
})  # fmt: skip
"""Placeholders whose value means something to every tenant, so that it may be answered with the caller's own things."""

PUBLIC = ("api/am/devportal/v3/api-categories", "api/am/devportal/v3/throttling-policies")
"""What an organisation's portal shows to everybody: names of categories and plans."""


@pytest.fixture
def held(organisation) -> Holdings:
    return holdings(make_organisation("victim.org"))


@pytest.fixture
def stranger(organisation, held):
    return administrator(make_organisation("acme.com"))


def part(found: list[Address], which: str) -> list[Address]:
    """The addresses of pages, of the admin site, or of REST."""
    kinds = {ADMIN: lambda one: one.route.startswith("admin/"), REST: lambda one: one.route.startswith("api/am/")}
    wanted = kinds.get(which, lambda one: not any(kind(one) for kind in kinds.values()))
    return [one for one in found if wanted(one) and "logout" not in one.path]


def test_every_placeholder_has_a_sample(held):
    found = addresses(held)
    assert len(found) > 400
    assert {which: len(part(found, which)) > 50 for which in (PAGES, ADMIN, REST)} == dict.fromkeys(
        (PAGES, ADMIN, REST), True
    )


def shows(address: Address, answer) -> bool:
    """Whether the answer holds more of the other tenant than the address itself did."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    for part in filter(lambda one: MARK in one, address.path.split("/")):
        body = body.replace(part.encode(), b"")
    return MARK.encode() in body


def may_fail(address: Address, answer) -> bool:
    """Operations of later versions, and the gateway's REST, which asks gateways: none runs here."""
    return answer.status_code == 501 or (answer.status_code == 503 and address.route.startswith("api/am/gateway/"))


def client_for(which: str, user):
    if which != REST:
        return browser(user)
    client = APIClient()
    if user is not None:
        client.force_login(user)
    return client


@pytest.mark.parametrize("which", [PAGES, ADMIN, REST])
def test_another_tenant_sees_and_changes_nothing(held, stranger, which):
    client, before, wrong = client_for(which, stranger), held.state(), []
    verbs = ("get", "post", "put", "patch", "delete") if which == REST else ("get", "post")
    for address in part(addresses(held), which):
        for verb in verbs:
            more = {"format": "json"} if which == REST and verb != "get" else {}
            answer = getattr(client, verb)(address.path, {} if verb != "get" else None, **more)
            if answer.status_code >= 500 and not may_fail(address, answer):
                wrong.append(f"{verb} {address.path}: {answer.status_code}")
            if shows(address, answer):
                wrong.append(f"{verb} {address.path}: shows it")
            if address.names - OURS and answer.status_code not in NOT_SHOWN:
                wrong.append(f"{verb} {address.route}: {answer.status_code}")
            if "_auth_user_id" not in client.session:
                client = client_for(which, stranger)
    assert not wrong, "\n".join(wrong)
    assert held.state() == before


@pytest.mark.parametrize("which", [PAGES, ADMIN, REST])
def test_nobody_sees_anything(held, which):
    client, wrong = client_for(which, None), []
    for address in part(addresses(held), which):
        for path in (address.path, f"/t/victim.org{address.path}"):
            answer = client.get(path)
            if shows(address, answer) and not address.route.startswith(PUBLIC):
                wrong.append(f"{path}: shows it")
            if answer.status_code >= 500 and not may_fail(address, answer):
                wrong.append(f"{path}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_its_own_administrator_does_see_it(held):
    """Else the walk would prove nothing: the samples are real."""
    shown: set[str] = set()
    for which in (PAGES, ADMIN, REST):
        client = client_for(which, held.owner)
        for address in part(addresses(held), which):
            if shown >= address.names and address.names:
                continue
            answer = client.get(address.path)
            if answer.status_code == 200:
                shown |= address.names
    expected = {
        "api_id", "application_id", "key_id", "subscription_id", "revision_id", "document_id", "comment_id",
        "scope_id", "environment_id", "key_manager_id", "condition_id", "reference", "policy_id", "alias", "identifier",
        "object_id",
    }  # fmt: skip
    assert not expected - shown
