"""User stores in the admin site, with a trial that tells step by step what works."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from apim.accounts.admin_base import OrganisationAdmin
from apim.accounts.queries import sees_every_organisation
from apim.errors import ApimError
from apim.login.actions import stores
from apim.login.models import UserStore


def _secret(label: str, help_text: str) -> forms.CharField:
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"})
    return forms.CharField(required=False, strip=False, label=label, widget=widget, help_text=help_text, max_length=256)


class StoreForm(forms.ModelForm):
    """The password is only written, never shown; what is given for the trial is not kept."""

    new_password = _secret("Password of the bind DN", "Leave empty to keep the present one.")
    trial_name = forms.CharField(
        required=False, max_length=254, label="Log-in name", widget=UnfoldAdminTextInputWidget(),
        help_text="When given, the saved store is asked for this person, and each step is told.",
    )  # fmt: skip
    trial_password = _secret("Password", "Empty: only the search is tried.")

    class Meta:
        model = UserStore
        fields = ["organisation", *stores.NAMES]


@admin.action(description="Try the connection and the bind DN")
def try_connection(site: UserStoreAdmin, request: HttpRequest, queryset: QuerySet[UserStore]) -> None:
    """Without a person; the form has a trial with one."""
    for store in queryset.select_related("organisation"):
        site.tell_trial(request, store)


@admin.register(UserStore)
class UserStoreAdmin(OrganisationAdmin):
    """One LDAP directory for an organisation."""

    calls_elsewhere = True
    form = StoreForm
    actions = (try_connection,)
    list_display = ("name", "address", "enabled", "organisation")
    list_select_related = ("organisation",)
    list_filter = ("enabled", "organisation")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("organisation", "name", "enabled")}),
        ("Server", {"fields": ("address", "start_tls", "certificate_authority", "timeout")}),
        ("Search", {"fields": ("bind_dn", "new_password", "base_dn", "user_filter")}),
        ("People", {"fields": ("id_attribute", "name_attribute", "email_attribute", "creates_users")}),
        ("Roles", {"fields": ("groups_attribute", "role_mapping", "default_roles")}),
        ("Try it after saving", {"fields": ("trial_name", "trial_password")}),
    )

    def all_fieldsets(self, request: HttpRequest, obj: UserStore | None = None) -> list[Any]:
        """As arranged above; a tenant's administrator has no choice of organisation."""
        return list(self.fieldsets if sees_every_organisation(request.user) else self._without_organisation())

    def get_readonly_fields(self, request: HttpRequest, obj: UserStore | None = None) -> tuple[str, ...]:
        """It stays with its organisation."""
        return ("organisation",) if obj else ()

    def perform_save(self, request: HttpRequest, obj: UserStore, form: ModelForm, change: bool) -> None:
        """By the action; then the trial, outside of any transaction."""
        given = form.cleaned_data
        stores.save_store(by=request.user, store=obj, password=given["new_password"] or None)
        if given["trial_name"]:
            self.tell_trial(request, obj, given["trial_name"], given["trial_password"])

    def perform_delete(self, request: HttpRequest, obj: UserStore) -> None:
        """By the action."""
        stores.delete_store(by=request.user, store=obj)

    def tell_trial(self, request: HttpRequest, store: UserStore, name: str = "", password: str = "") -> None:
        """Each step as a message."""
        try:
            steps = stores.try_store(by=request.user, store=store, name=name, password=password)
        except ApimError as error:
            steps = [f"Failed: {error.description}"]
        for step in steps:
            (messages.error if step.startswith("Failed") else messages.info)(request, f"{store}: {step}")

    def _without_organisation(self) -> list[Any]:
        first, *others = self.fieldsets
        return [(first[0], {"fields": first[1]["fields"][1:]}), *others]
