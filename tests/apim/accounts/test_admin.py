"""Django's admin: who gets in, what they see, and that writes are actions."""

from __future__ import annotations

import pytest
from django.contrib import admin as django_admin
from django.test import Client
from django.urls import reverse
from unfold.admin import ModelAdmin

from apim.accounts.actions.roles import set_roles
from apim.accounts.admin_base import OrganisationAdmin
from apim.accounts.models import AuditRow, Organisation, Role, User
from tests.support.people import PASSWORD, make_user

USERS = "/admin/accounts/user/"


@pytest.fixture
def boss(admin: User) -> User:
    """An administrator of the platform."""
    return set_roles(by=None, user=admin, roles=["admin"])


@pytest.fixture
def tenant_boss(other_organisation: Organisation) -> User:
    """An administrator of the second organisation."""
    return set_roles(by=None, user=make_user(other_organisation, username="boss"), roles=["admin"])


def entered(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def new_user(organisation: Organisation, **change: object) -> dict[str, object]:
    fields = {"organisation": organisation.pk, "username": "newbie", "password": PASSWORD, "email": "n@example.org"}
    return {**fields, "first_name": "", "last_name": "", "roles": ["Internal/creator"], "is_active": "on", **change}


def test_visitors_meet_our_own_log_in(client: Client, organisation: Organisation) -> None:
    assert client.get("/admin/")["Location"] == "/admin/login/?next=/admin/"
    assert client.get("/admin/login/?next=/admin/")["Location"] == "/accounts/login/?next=%2Fadmin%2F"


def test_admins_own_password_is_changed_at_our_page(boss: User) -> None:
    assert entered(boss).get("/admin/password_change/")["Location"] == "/accounts/profile/"


def test_chosen_users_are_deleted_all_or_none(boss: User, developer: User) -> None:
    chosen = {"action": "delete_selected", "_selected_action": [developer.pk, boss.pk], "post": "yes"}
    answer = entered(boss).post(USERS, chosen, follow=True)
    assert "You cannot delete yourself." in answer.content.decode()
    assert User.objects.filter(pk=developer.pk).exists()


def test_others_are_told_that_they_may_not(creator: User) -> None:
    answer = entered(creator).get("/admin/", follow=True, headers={"Accept": "text/html"})
    assert answer.status_code == 403
    assert "creator is no administrator" in answer.content.decode()


def test_dashboard_shows_figures_gateways_failures_and_changes(boss: User) -> None:
    text = entered(boss).get("/admin/").content.decode()
    for words in (
        "failed tasks, 24 h",
        "No gateway has reported.",
        "No task has failed.",
        "Recent changes",
        "user.set_roles",
    ):
        assert words in text


def test_tenants_dashboard_leaves_the_platform_out(tenant_boss: User, boss: User) -> None:
    text = entered(tenant_boss).get("/admin/").content.decode()
    assert "Recent changes" in text
    assert "Gateways" not in text
    assert "carbon.super" not in text


def test_platform_sees_all_users_and_a_tenant_its_own(boss: User, tenant_boss: User, developer: User) -> None:
    assert "developer" in entered(boss).get(USERS).content.decode()
    assert "boss@acme.com" in entered(boss).get(USERS).content.decode()
    text = entered(tenant_boss).get(USERS).content.decode()
    assert "boss@acme.com" in text
    assert "developer" not in text


@pytest.mark.parametrize("page", ["change", "delete", "history"])
def test_tenant_cannot_open_anothers_user(tenant_boss: User, developer: User, page: str) -> None:
    answer = entered(tenant_boss).get(reverse(f"admin:accounts_user_{page}", args=[developer.pk]))
    assert answer.status_code in (302, 404)
    assert answer.get("Location", "/admin/") == "/admin/"


def test_administrator_creates_a_user_by_the_action(boss: User, organisation: Organisation) -> None:
    answer = entered(boss).post(f"{USERS}add/", new_user(organisation))
    assert answer.status_code == 302, answer.context["errors"]
    made = User.objects.get(username="newbie")
    assert made.role_names == {"Internal/creator"}
    assert made.check_password(PASSWORD)
    assert AuditRow.objects.filter(action="user.create", actor="admin", target_name="newbie").exists()


def test_tenants_user_belongs_to_the_tenant_whatever_is_sent(tenant_boss: User, organisation: Organisation) -> None:
    answer = entered(tenant_boss).post(f"{USERS}add/", new_user(organisation))
    assert answer.status_code == 302
    assert User.objects.get(username="newbie@acme.com").organisation == tenant_boss.organisation


def test_refusal_of_the_action_is_a_message(boss: User, developer: User) -> None:
    answer = entered(boss).post(f"{USERS}add/", new_user(developer.organisation, username="developer"), follow=True)
    assert "is taken" in answer.content.decode()
    answer = entered(boss).post(f"{USERS}add/", new_user(developer.organisation, password="short"), follow=True)
    assert "too short" in answer.content.decode()
    assert not User.objects.filter(username="newbie").exists()


def test_user_is_changed_by_the_actions(boss: User, developer: User) -> None:
    fields = {"email": "new@example.org", "first_name": "Dee", "last_name": "", "roles": ["Internal/publisher"]}
    answer = entered(boss).post(f"{USERS}{developer.pk}/change/", {**fields, "password": "another horse 8"})
    assert answer.status_code == 302, answer.context["errors"]
    developer = User.objects.get(pk=developer.pk)
    assert (developer.email, developer.is_active) == ("new@example.org", False)
    assert developer.role_names == {"Internal/publisher"}
    assert developer.check_password("another horse 8")
    noted = set(AuditRow.objects.filter(target_name="developer").values_list("action", flat=True))
    assert {"user.update", "user.set_roles", "user.set_active", "user.change_password"} <= noted


def test_unchanged_password_stays(boss: User, developer: User) -> None:
    fields = {"email": developer.email, "first_name": "", "last_name": "", "roles": ["Internal/subscriber"]}
    entered(boss).post(f"{USERS}{developer.pk}/change/", {**fields, "password": "", "is_active": "on"})
    developer.refresh_from_db()
    assert developer.check_password(PASSWORD)


def test_user_is_deleted_by_the_action(boss: User, developer: User) -> None:
    entered(boss).post(f"{USERS}{developer.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(pk=developer.pk).exists()
    assert AuditRow.objects.filter(action="user.delete", target_name="developer").exists()
    answer = entered(boss).post(f"{USERS}{boss.pk}/delete/", {"post": "yes"}, follow=True)
    assert "You cannot delete yourself." in answer.content.decode()


def test_organisation_is_made_with_its_administrator(boss: User) -> None:
    fields = {"domain": "wonder.land", "display_name": "Wonderland", "self_signup": "on"}
    chief = {"admin_username": "queen", "admin_email": "q@example.org", "admin_password": PASSWORD}
    answer = entered(boss).post("/admin/accounts/organisation/add/", {**fields, **chief})
    assert answer.status_code == 302, answer.context["errors"]
    assert User.objects.get(username="queen@wonder.land").is_staff
    made = Organisation.objects.get(domain="wonder.land")
    answer = entered(boss).post(f"/admin/accounts/organisation/{made.pk}/change/", {"display_name": "Wonder"})
    made.refresh_from_db()
    assert (made.display_name, made.self_signup, made.active) == ("Wonder", False, False)


def test_tenant_changes_only_its_own_organisation(tenant_boss: User, organisation: Organisation) -> None:
    client, own = entered(tenant_boss), tenant_boss.organisation
    assert client.get("/admin/accounts/organisation/add/").status_code == 403
    assert client.get(f"/admin/accounts/organisation/{organisation.pk}/change/").status_code == 302
    client.post(f"/admin/accounts/organisation/{own.pk}/change/", {"display_name": "Acme Ltd", "self_signup": "on"})
    own.refresh_from_db()
    assert (own.display_name, own.active) == ("Acme Ltd", True)


def test_role_is_made_and_deleted_by_the_actions(tenant_boss: User) -> None:
    client = entered(tenant_boss)
    client.post("/admin/accounts/role/add/", {"name": "chef", "description": "Cooks."})
    chef = Role.objects.get(name="chef")
    assert chef.organisation == tenant_boss.organisation
    built_in = Role.objects.get(organisation=tenant_boss.organisation, name="Internal/creator")
    answer = client.post(f"/admin/accounts/role/{built_in.pk}/delete/", {"post": "yes"}, follow=True)
    assert "is built in" in answer.content.decode()
    client.post(f"/admin/accounts/role/{chef.pk}/delete/", {"post": "yes"})
    assert not Role.objects.filter(name="chef").exists()


def test_audit_trail_is_searched_but_never_changed(boss: User) -> None:
    client, row = entered(boss), AuditRow.objects.latest("id")
    found = [
        client.get(f"/admin/accounts/auditrow/?q={words}").context["cl"] for words in ("set_roles", "nothing-like-it")
    ]
    assert [page.result_count for page in found] == [AuditRow.objects.filter(action="user.set_roles").count(), 0]
    assert client.get("/admin/accounts/auditrow/add/").status_code == 403
    assert client.post(f"/admin/accounts/auditrow/{row.pk}/change/", {"actor": "x"}).status_code == 403
    assert client.post(f"/admin/accounts/auditrow/{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_every_page_of_the_admin_opens(boss: User) -> None:
    client = entered(boss)
    for model, shown in django_admin.site._registry.items():
        assert isinstance(shown, ModelAdmin), model
        address = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert client.get(reverse(f"{address}_changelist")).status_code == 200, model
        assert client.get(reverse(f"{address}_add")).status_code in (200, 403), model


def test_tenants_get_only_pages_that_keep_organisations_apart(tenant_boss: User) -> None:
    client = entered(tenant_boss)
    for model, shown in django_admin.site._registry.items():
        answer = client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        assert answer.status_code == 403 or isinstance(shown, OrganisationAdmin), f"{model} is open to every tenant"


def test_tokens_are_not_listed(boss: User) -> None:
    names = {model._meta.label for model in django_admin.site._registry}
    assert not names & {
        "auth.Group",
        "oauth2_provider.AccessToken",
        "oauth2_provider.RefreshToken",
        "oauth2_provider.Grant",
    }
