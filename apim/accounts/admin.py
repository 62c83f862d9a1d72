"""Organisations, people, roles and the audit trail in the admin site; every write is an action."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import DateFieldListFilter
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import format_html
from django.utils.timezone import localtime
from unfold.decorators import display

from apim.accounts.actions import organisations, portal_domains, roles, users
from apim.accounts.admin_base import OrganisationAdmin, ReadOnly
from apim.accounts.admin_forms import OrganisationForm, UserForm
from apim.accounts.audit_export import exported
from apim.accounts.models import AuditRow, Organisation, PortalDomain, Role, User
from apim.accounts.names import local_name
from apim.accounts.queries import sees_every_organisation
from apim.errors import ApimError


@admin.register(Organisation)
class OrganisationsAdmin(OrganisationAdmin):
    """Tenants. Their own administrators see one and change its name and sign-up."""

    list_display = ("domain", "display_name", "shown_active", "self_signup", "people", "created")
    list_filter = ("active", "self_signup")
    search_fields = ("domain", "display_name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organisation]:
        """One's own, or all."""
        rows = Organisation.objects.annotate(user_count=Count("users"))
        return rows if sees_every_organisation(request.user) else rows.filter(pk=request.user.organisation_id)

    def get_form(
        self, request: HttpRequest, obj: Organisation | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """A new one comes with its administrator."""
        if not change:
            kwargs["form"] = OrganisationForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Organisation | None = None) -> list[str]:
        """Only the platform's administrators switch organisations on and off."""
        if obj is None:
            return ["domain", "display_name", "self_signup", "admin_username", "admin_email", "admin_password"]
        return ["domain", "display_name", "self_signup", *(["active"] if sees_every_organisation(request.user) else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Organisation | None = None) -> tuple[str, ...]:
        """The domain is part of every address and user name: it stays."""
        return ("domain",) if obj else ()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tenants are made by the platform's administrators."""
        return sees_every_organisation(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An organisation is switched off, never deleted with everything it owns."""
        return False

    def perform_save(self, request: HttpRequest, obj: Organisation, form: ModelForm, change: bool) -> None:
        """By the actions."""
        given = form.cleaned_data
        if change:
            stored = Organisation.objects.get(pk=obj.pk)
            values = {n: given.get(n, getattr(stored, n)) for n in ("display_name", "self_signup", "active")}
            organisations.update_organisation(by=request.user, organisation=stored, **values)
            return
        names = ("domain", "display_name", "self_signup", "admin_username", "admin_email", "admin_password")
        made = organisations.create_organisation(by=request.user, **{name: given[name] for name in names})
        obj.pk = made.pk

    def save_model(self, request: HttpRequest, obj: Organisation, form: ModelForm, change: bool) -> None:
        """An organisation belongs to none."""
        self.perform_save(request, obj, form, change)

    @display(description="Users", ordering="user_count")
    def people(self, row: Organisation) -> int:
        """How many users it has."""
        return row.user_count

    @display(description="State", label={"active": "success", "off": "danger"}, ordering="active")
    def shown_active(self, row: Organisation) -> str:
        """Whether its people can log in."""
        return "active" if row.active else "off"


@admin.register(User)
class UsersAdmin(OrganisationAdmin):
    """People. Roles decide what they may do; nothing else is set here."""

    form = UserForm
    list_display = ("username", "email", "organisation", "shown_roles", "is_active", "last_login")
    list_filter = ("organisation", "is_active", "roles__name")
    list_select_related = ("organisation",)
    search_fields = ("username", "email", "first_name", "last_name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With their roles, for the list."""
        return super().get_queryset(request).prefetch_related("roles")

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        """The form offers what its viewer may choose."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.viewer = request.user
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """What the platform notes itself."""
        return ("last_login", "date_joined") if obj else ()

    def perform_save(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        """By the actions, each for what was changed."""
        given = form.cleaned_data
        about = {name: given[name] for name in ("email", "first_name", "last_name")}
        names = given["roles"]
        if not change:
            local = {"username": given["username"], "password": given["password"], "roles": names, **about}
            made = users.create_user(by=request.user, organisation=obj.organisation, **local)
            obj.pk, obj.username, obj.password = made.pk, made.username, made.password
            return
        stored = User.objects.get(pk=obj.pk)
        if {"email", "first_name", "last_name"} & set(form.changed_data):
            users.update_user(by=request.user, user=stored, **about)
        if "roles" in form.changed_data:
            roles.set_roles(by=request.user, user=stored, roles=names)
        if "is_active" in form.changed_data:
            users.set_active(by=request.user, user=stored, active=given["is_active"])
        if given["password"]:
            users.set_password(by=request.user, user=stored, password=given["password"])

    def save_related(self, request: HttpRequest, form: ModelForm, formsets: Any, change: bool) -> None:
        """Roles were set by the action."""

    def perform_delete(self, request: HttpRequest, obj: User) -> None:
        """By the action."""
        users.delete_user(by=request.user, user=obj)

    @display(description="Roles")
    def shown_roles(self, row: User) -> str:
        """Names, without the customary prefix."""
        return ", ".join(role.name.removeprefix("Internal/") for role in row.roles.all())


@admin.register(Role)
class RolesAdmin(OrganisationAdmin):
    """Roles; the built-in ones are named in `BuiltinRole`."""

    list_display = ("name", "description", "organisation", "people")
    list_filter = ("organisation",)
    search_fields = ("name", "description")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Role]:
        """With the number of people."""
        return super().get_queryset(request).annotate(user_count=Count("users"))

    def get_readonly_fields(self, request: HttpRequest, obj: Role | None = None) -> tuple[str, ...]:
        """APIs refer to roles by name: it stays."""
        return ("organisation", "name") if obj else ()

    def perform_save(self, request: HttpRequest, obj: Role, form: ModelForm, change: bool) -> None:
        """By the actions."""
        if change:
            roles.describe_role(by=request.user, role=Role.objects.get(pk=obj.pk), description=obj.description)
            return
        made = roles.create_role(
            by=request.user, organisation=obj.organisation, name=obj.name, description=obj.description
        )
        obj.pk = made.pk

    def perform_delete(self, request: HttpRequest, obj: Role) -> None:
        """By the action."""
        roles.delete_role(by=request.user, role=obj)

    @display(description="Users", ordering="user_count")
    def people(self, row: Role) -> int:
        """How many users have it."""
        return row.user_count


@admin.register(PortalDomain)
class PortalDomainAdmin(OrganisationAdmin):
    """Host names of organisations' own: added, then shown to be theirs by a record in the DNS."""

    list_display = ("host", "organisation", "shown_state", "created")
    list_filter = ("organisation",)
    search_fields = ("host",)
    fields = ("organisation", "host")
    shown_fields = ("organisation", "host", "shown_state", "record", "created")
    actions = ("verify",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is verified or removed, not changed; the list has the action."""
        return obj is None and super().has_change_permission(request)

    def get_fields(self, request: HttpRequest, obj: PortalDomain | None = None) -> tuple[str, ...]:
        """With what to write into the DNS, once it is known. A tenant's administrator has no choice of organisation."""
        hidden = set(self.get_exclude(request, obj))
        return tuple(name for name in (self.shown_fields if obj else self.fields) if name not in hidden)

    def get_readonly_fields(self, request: HttpRequest, obj: PortalDomain | None = None) -> tuple[str, ...]:
        """It is verified or removed, not changed."""
        return self.shown_fields if obj else ()

    def perform_save(self, request: HttpRequest, obj: PortalDomain, form: ModelForm, change: bool) -> None:
        """By the action."""
        if not change:
            made = portal_domains.add_domain(by=request.user, organisation=obj.organisation, host=obj.host)
            obj.pk = made.pk

    def perform_delete(self, request: HttpRequest, obj: PortalDomain) -> None:
        """By the action."""
        portal_domains.remove_domain(by=request.user, domain=obj)

    @admin.action(description="Verify chosen domains by the DNS")
    def verify(self, request: HttpRequest, queryset: QuerySet[PortalDomain]) -> None:
        """By the action, each by itself."""
        for row in queryset:
            try:
                portal_domains.verify_domain(by=request.user, domain=row)
                messages.success(request, f"{row} is verified.")
            except ApimError as error:
                messages.error(request, error.description)

    @display(description="State", label={"verified": "success", "not verified": "warning"}, ordering="verified")
    def shown_state(self, row: PortalDomain) -> str:
        """Whether pages answer there."""
        return "verified" if row.verified else "not verified"

    @display(description="TXT record to add")
    def record(self, row: PortalDomain) -> str:
        """Name and value."""
        return f"{portal_domains.RECORD}.{row.host}  TXT  {row.token}"


@admin.register(AuditRow)
class AuditAdmin(ReadOnly, OrganisationAdmin):
    """Who did what, when: read-only. Chosen rows, or all that the filters leave, can be downloaded."""

    list_display = ("when", "who", "action", "target_kind", "target_name", "correlation_id", "organisation")
    list_filter = (("at", DateFieldListFilter), "action", "target_kind", "organisation")
    list_select_related = ("organisation",)
    search_fields = ("actor", "action", "target_name", "target_id", "correlation_id")
    search_help_text = "Actor, action, thing, its id, or correlation id"
    date_hierarchy = "at"
    list_per_page = 50
    actions = ("export_csv", "export_lines")

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Dates for everybody; the base class takes filters that are pairs for look-ups into other organisations."""
        return [("at", DateFieldListFilter), *super().get_list_filter(request)[0 if not _sees_all(request) else 1 :]]

    @admin.action(description="Download as CSV")
    def export_csv(self, request: HttpRequest, queryset: QuerySet[AuditRow]) -> StreamingHttpResponse:
        """Streamed, at most 100,000 rows."""
        return exported(queryset, "csv")

    @admin.action(description="Download as JSON lines")
    def export_lines(self, request: HttpRequest, queryset: QuerySet[AuditRow]) -> StreamingHttpResponse:
        """Streamed, at most 100,000 rows."""
        return exported(queryset, "jsonl")

    @display(description="At", ordering="at")
    def when(self, row: AuditRow) -> str:
        """To the second, on one line: several things happen in a minute."""
        return format_html('<span class="whitespace-nowrap">{}</span>', f"{localtime(row.at):%Y-%m-%d %H:%M:%S}")

    @display(description="Actor", ordering="actor")
    def who(self, row: AuditRow) -> str:
        """Without the domain, which the last column has."""
        return local_name(row.actor)


def _sees_all(request: HttpRequest) -> bool:
    return sees_every_organisation(request.user)
