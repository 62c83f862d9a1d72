"""Organisations, users and roles through their actions."""

from __future__ import annotations

import pytest

from apim.accounts import hooks
from apim.accounts.actions import organisations, roles, users
from apim.accounts.models import AuditRow, BuiltinRole, Organisation, User
from apim.errors import ApimError, Conflict, Forbidden, Invalid, NotFound
from tests.support.people import PASSWORD, make_user

TENANT = {"domain": "wonder.land", "display_name": "Wonderland", "admin_username": "queen", "admin_password": PASSWORD}


@pytest.fixture
def tenant_admin(other_organisation: Organisation) -> User:
    return make_user(other_organisation, "admin", username="boss")


def test_organisation_comes_with_roles_seeds_and_administrator(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded: list[str] = []
    monkeypatch.setattr(hooks, "_seeders", [lambda organisation: seeded.append(organisation.domain)])
    made = organisations.create_organisation(by=admin, **TENANT)
    assert set(made.roles.values_list("name", flat=True)) == set(BuiltinRole.values)
    assert seeded == ["wonder.land"]
    queen = User.objects.get(username="queen@wonder.land")
    assert queen.has_role(BuiltinRole.ADMIN)
    assert (queen.is_staff, queen.is_superuser) == (True, False)
    assert AuditRow.objects.filter(organisation=made, action="organisation.create", actor="admin").exists()


def test_first_organisation_is_made_by_the_platform_itself(db: None) -> None:
    made = organisations.create_organisation(by=None, **{**TENANT, "domain": "carbon.super"})
    queen = User.objects.get(username="queen")
    assert (made.is_super, queen.is_staff, queen.is_superuser) == (True, True, True)


@pytest.mark.parametrize(
    ("change", "kind", "field"),
    [
        ({"domain": "Bad Domain"}, Invalid, "domain"),
        ({"domain": "carbon.super"}, Conflict, "domain"),
        ({"display_name": ""}, Invalid, "display_name"),
        ({"admin_password": "short"}, Invalid, "password"),
        ({"admin_username": "a@b"}, Invalid, "username"),
    ],
)
def test_wrong_organisation_leaves_nothing(
    admin: User, change: dict[str, str], kind: type[ApimError], field: str
) -> None:
    with pytest.raises(kind) as caught:
        organisations.create_organisation(by=admin, **{**TENANT, **change})
    assert caught.value.fields[0].field == field
    assert Organisation.objects.count() == 1


def test_only_the_platforms_administrators_make_organisations(tenant_admin: User, creator: User) -> None:
    for somebody in (tenant_admin, creator):
        with pytest.raises(Forbidden):
            organisations.create_organisation(by=somebody, **TENANT)


def test_tenant_changes_its_name_but_not_its_state(
    tenant_admin: User, other_organisation: Organisation, admin: User
) -> None:
    changed = organisations.update_organisation(
        by=tenant_admin, organisation=other_organisation, display_name="Acme Ltd", self_signup=False
    )
    assert (changed.display_name, changed.self_signup) == ("Acme Ltd", False)
    with pytest.raises(Forbidden):
        organisations.update_organisation(
            by=tenant_admin, organisation=other_organisation, display_name="x", self_signup=True, active=False
        )
    with pytest.raises(Forbidden):
        organisations.update_organisation(
            by=tenant_admin, organisation=admin.organisation, display_name="x", self_signup=True
        )


def test_first_organisation_stays_on(admin: User) -> None:
    with pytest.raises(Conflict):
        organisations.update_organisation(
            by=admin, organisation=admin.organisation, display_name="x", self_signup=True, active=False
        )


def test_administrator_creates_a_user_with_roles(admin: User) -> None:
    made = users.create_user(
        by=admin, organisation=admin.organisation, username="pub", password=PASSWORD, roles=["Internal/publisher"]
    )
    assert made.role_names == {"Internal/publisher"}
    assert AuditRow.objects.filter(action="user.set_roles", target_name="pub").get().after == {
        "roles": ["Internal/publisher"]
    }


def test_unknown_role_leaves_no_user(admin: User) -> None:
    with pytest.raises(Invalid) as caught:
        users.create_user(by=admin, organisation=admin.organisation, username="pub", password=PASSWORD, roles=["chef"])
    assert "chef does not exist" in caught.value.fields[0].message
    assert not User.objects.filter(username="pub").exists()


def test_administrators_of_tenants_reach_only_their_own(tenant_admin: User, developer: User) -> None:
    for act in (
        lambda: roles.set_roles(by=tenant_admin, user=developer, roles=["admin"]),
        lambda: users.set_active(by=tenant_admin, user=developer, active=False),
        lambda: users.set_password(by=tenant_admin, user=developer, password="another horse 8"),
        lambda: users.delete_user(by=tenant_admin, user=developer),
        lambda: users.update_user(by=tenant_admin, user=developer, email="x@example.org"),
        lambda: users.create_user(
            by=tenant_admin, organisation=developer.organisation, username="spy", password=PASSWORD
        ),
        lambda: roles.create_role(by=tenant_admin, organisation=developer.organisation, name="spy"),
    ):
        with pytest.raises(NotFound):
            act()


def test_others_manage_nobody(creator: User, developer: User) -> None:
    for act in (
        lambda: roles.set_roles(by=creator, user=creator, roles=["admin"]),
        lambda: users.set_password(by=creator, user=developer, password="another horse 8"),
        lambda: users.update_user(by=creator, user=developer, email="x@example.org"),
        lambda: users.delete_user(by=creator, user=developer),
    ):
        with pytest.raises(Forbidden):
            act()


def test_role_of_another_organisation_cannot_be_given(admin: User, other_organisation: Organisation) -> None:
    roles.create_role(by=admin, organisation=other_organisation, name="chef")
    with pytest.raises(Invalid):
        roles.set_roles(by=admin, user=admin, roles=["admin", "chef"])


def test_admin_role_opens_and_closes_the_admin_site(admin: User, creator: User) -> None:
    roles.set_roles(by=admin, user=creator, roles=["admin"])
    creator.refresh_from_db()
    assert (creator.is_staff, creator.is_superuser) == (True, True)
    roles.set_roles(by=admin, user=creator, roles=["Internal/creator"])
    creator.refresh_from_db()
    assert (creator.is_staff, creator.is_superuser) == (False, False)
    assert not creator.has_role(BuiltinRole.ADMIN)


def test_nobody_locks_oneself_out(admin: User) -> None:
    for act in (
        lambda: roles.set_roles(by=admin, user=admin, roles=[]),
        lambda: users.set_active(by=admin, user=admin, active=False),
        lambda: users.delete_user(by=admin, user=admin),
    ):
        with pytest.raises(Conflict):
            act()


def test_role_in_use_or_built_in_is_kept(admin: User, creator: User) -> None:
    chef = roles.create_role(by=admin, organisation=admin.organisation, name="chef")
    with pytest.raises(Conflict):
        roles.create_role(by=admin, organisation=admin.organisation, name="chef")
    roles.set_roles(by=admin, user=creator, roles=["chef"])
    with pytest.raises(Conflict, match="1 users"):
        roles.delete_role(by=admin, role=chef)
    with pytest.raises(Conflict, match="built in"):
        roles.delete_role(by=admin, role=admin.organisation.roles.get(name="Internal/creator"))
    roles.set_roles(by=admin, user=creator, roles=[])
    roles.delete_role(by=admin, role=chef)
    assert not admin.organisation.roles.filter(name="chef").exists()
