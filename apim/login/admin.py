"""Log-in in the admin site: rules, second factors, and what administrators do for locked-out people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminPasswordWidget,
)

from apim.accounts.admin import UsersAdmin
from apim.accounts.admin_base import OrganisationAdmin, ReadOnly
from apim.accounts.models import Role, User
from apim.accounts.queries import sees_every_organisation
from apim.errors import ApimError
from apim.login import saml, saml_metadata
from apim.login.actions import providers, rules, second_factors
from apim.login.models import IdentityProvider, LoginRules, SecondFactor
from apim.login.provider_models import Kind
from apim.login.store_admin import UserStoreAdmin  # noqa: F401 - registers itself


class RulesForm(forms.ModelForm):
    """Roles are chosen from those of the organisation."""

    second_factor_roles = forms.MultipleChoiceField(
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="People with one of these roles must set up a second factor at their next log-in.",
    )

    class Meta:
        model = LoginRules
        fields = ["organisation", *rules.NAMES]

    viewer: User

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Role.objects.all()
        if self.instance.pk or not sees_every_organisation(self.viewer):
            rows = rows.filter(organisation=self.instance.organisation_id or self.viewer.organisation_id)
        self.fields["second_factor_roles"].choices = [
            (one, one) for one in sorted(set(rows.values_list("name", flat=True)))
        ]


@admin.register(LoginRules)
class LoginRulesAdmin(OrganisationAdmin):
    """One row for an organisation; without one the defaults hold."""

    form = RulesForm
    list_display = ("organisation", "shown_roles", "minimum_length", "expires_after", "attempts", "lock_minutes")
    list_select_related = ("organisation",)
    fieldsets = (
        (None, {"fields": ("organisation",)}),
        ("Second factor", {"fields": ("second_factor_roles", "passwords_alone")}),
        ("Passwords", {"fields": ("minimum_length", "character_classes", "history", "expires_after")}),
        ("Lock-out", {"fields": ("attempts", "attempts_anywhere", "lock_minutes")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: LoginRules | None = None) -> Any:
        """A tenant's administrator has no choice of organisation."""
        return self.fieldsets if sees_every_organisation(request.user) else self.fieldsets[1:]

    def get_readonly_fields(self, request: HttpRequest, obj: LoginRules | None = None) -> tuple[str, ...]:
        """The organisation is its identity."""
        return ("organisation",) if obj else ()

    def get_form(self, request: HttpRequest, obj: LoginRules | None = None, change: bool = False, **kwargs: Any) -> Any:
        """The form offers what its viewer may choose."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.viewer = request.user
        return form

    def perform_save(self, request: HttpRequest, obj: LoginRules, form: ModelForm, change: bool) -> None:
        """By the action."""
        given = {name: form.cleaned_data[name] for name in rules.NAMES}
        obj.pk = rules.set_rules(by=request.user, organisation=obj.organisation, **given).pk

    def perform_delete(self, request: HttpRequest, obj: LoginRules) -> None:
        """By the action."""
        rules.delete_rules(by=request.user, row=obj)

    @display(description="Second factor for")
    def shown_roles(self, row: LoginRules) -> str:
        """Names of roles."""
        return ", ".join(row.second_factor_roles) or "nobody has to"


class ProviderForm(forms.ModelForm):
    """The secret is only written, never shown."""

    new_secret = forms.CharField(
        required=False, strip=True, label="Client secret", widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text="Leave empty to keep the present one; without one the provider sees a public client (PKCE alone).",
    )  # fmt: skip

    metadata = forms.FileField(
        required=False, label="SAML metadata", widget=UnfoldAdminFileFieldWidget(),
        help_text="The provider's metadata XML: entity id, single sign-on address and certificates are taken from it.",
    )  # fmt: skip

    class Meta:
        model = IdentityProvider
        fields = ["organisation", *providers.NAMES]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Both may come with the metadata; the action asks for an issuer otherwise, and the row has a kind.
        self.fields["issuer"].required = self.fields["kind"].required = False

    def clean(self) -> dict[str, Any]:
        """What the metadata says counts instead of what stands in the fields."""
        given = super().clean()
        if given.get("metadata"):
            try:
                found = saml_metadata.read(given["metadata"].read(saml_metadata.LONGEST + 1))
            except ValueError as error:
                self.add_error("metadata", str(error))
            else:
                given |= {"kind": Kind.SAML2, **asdict(found)}
        return given


@admin.register(IdentityProvider)
class IdentityProviderAdmin(OrganisationAdmin):
    """OpenID Connect and SAML 2.0 servers whose people may log in to the organisation."""

    form = ProviderForm
    list_display = ("name", "kind", "issuer", "enabled", "linking", "organisation")
    list_filter = ("enabled", "organisation")
    search_fields = ("name", "issuer")

    def get_readonly_fields(self, request: HttpRequest, obj: IdentityProvider | None = None) -> tuple[str, ...]:
        """It stays with its organisation; our addresses are what the provider must be told."""
        return ("organisation", "redirect_path") if obj else ()

    def perform_save(self, request: HttpRequest, obj: IdentityProvider, form: ModelForm, change: bool) -> None:
        """By the action."""
        providers.save_provider(by=request.user, provider=obj, secret=form.cleaned_data["new_secret"] or None)

    def perform_delete(self, request: HttpRequest, obj: IdentityProvider) -> None:
        """By the action."""
        providers.delete_provider(by=request.user, provider=obj)

    @display(description="Redirect URI to register there; SAML 2.0: our metadata and entity id")
    def redirect_path(self, row: IdentityProvider) -> str:
        """Below the public address, or below a host name of the organisation's own."""
        if row.kind == Kind.SAML2:
            return saml.entity_id(row)
        path = f"/accounts/login/external/{row.uuid}/back/"
        return f"{settings.APIM.public}{row.organisation.prefix}{path}"


@admin.register(SecondFactor)
class SecondFactorAdmin(ReadOnly, OrganisationAdmin):
    """Who has one. Deleting it is the reset for people who lost theirs."""

    organisation_path = "user__organisation"
    list_display = ("user", "shown_state", "confirmed", "failures")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    fields = ("user", "confirmed", "failures", "failed")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Administrators, as everywhere."""
        return OrganisationAdmin.has_delete_permission(self, request, obj)

    def perform_delete(self, request: HttpRequest, obj: SecondFactor) -> None:
        """By the action."""
        second_factors.reset(by=request.user, user=obj.user)

    @display(description="State", label={"on": "success", "not confirmed": "warning"})
    def shown_state(self, row: SecondFactor) -> str:
        """Whether log-in asks for it."""
        return "on" if row.confirmed else "not confirmed"


@admin.action(description="Unlock log-in of chosen people")
def unlock(site: UsersAdmin, request: HttpRequest, queryset: QuerySet[User]) -> None:
    """By the action, each by themselves."""
    _each(request, queryset, second_factors.unlock, "may try again")


@admin.action(description="Reset the second factor of chosen people")
def reset_second_factor(site: UsersAdmin, request: HttpRequest, queryset: QuerySet[User]) -> None:
    """By the action, each by themselves."""
    _each(request, queryset, second_factors.reset, "has no second factor any more")


def _each(request: HttpRequest, queryset: QuerySet[User], act: Any, said: str) -> None:
    for user in queryset.select_related("organisation"):
        try:
            act(by=request.user, user=user)
            messages.success(request, f"{user} {said}.")
        except ApimError as error:
            messages.error(request, f"{user}: {error.description}")


# The floor below knows neither locks by rules nor second factors; its list of people is where they are looked for.
UsersAdmin.actions = (*UsersAdmin.actions, unlock, reset_second_factor)
