"""The admin site's pages of token policies and of trusted issuers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from apim.accounts.admin_base import OrganisationAdmin
from apim.keymanager.actions import trust
from apim.keymanager.grants import GRANTS
from apim.keymanager.models import TokenPolicy, TrustedIssuer


class TokenPolicyForm(forms.ModelForm):
    """Grants as boxes, patterns one a line."""

    grants = forms.MultipleChoiceField(
        choices=[(name, name) for name in GRANTS],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="Grants that are switched on. Tokens that were given stay; refresh tokens end with the grant refresh_token.",
    )
    scope_allow_list = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="Patterns (RE2), one a line. A scope that matches one is given to everybody, without check.",
    )

    class Meta:
        model = TokenPolicy
        fields = ("grants", "scope_allow_list", "revoke_replaced")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["scope_allow_list"] = "\n".join(self.instance.scope_allow_list)

    def clean_scope_allow_list(self) -> list[str]:
        """The lines that are not empty."""
        return [line.strip() for line in self.cleaned_data["scope_allow_list"].splitlines() if line.strip()]


@admin.register(TokenPolicy)
class TokenPolicyAdmin(OrganisationAdmin):
    """What an organisation's token service allows; one row for each organisation that differs from the defaults."""

    list_display = ("organisation", "switched_off", "revoke_replaced")
    form = TokenPolicyForm
    fields = ("organisation", "grants", "scope_allow_list", "revoke_replaced")

    @admin.display(description="switched off")
    def switched_off(self, policy: TokenPolicy) -> str:
        """The grants that nobody gets."""
        return ", ".join(grant for grant in GRANTS if grant not in policy.grants) or "nothing"

    def perform_save(self, request: HttpRequest, obj: TokenPolicy, form: Any, change: bool) -> None:
        """Write by action."""
        trust.save_policy(by=request.user, policy=obj)


@admin.register(TrustedIssuer)
class TrustedIssuerAdmin(OrganisationAdmin):
    """Whose assertions about people are believed."""

    list_display = ("name", "kind", "issuer", "enabled", "organisation")
    list_filter = ("kind", "enabled", "organisation")
    search_fields = ("name", "issuer")
    fields = ("organisation", "name", ("kind", "enabled"), "issuer", "audience", "jwks", "certificate", "local_users")

    def perform_save(self, request: HttpRequest, obj: TrustedIssuer, form: Any, change: bool) -> None:
        """Write by action."""
        trust.save_issuer(by=request.user, trusted=obj)

    def perform_delete(self, request: HttpRequest, obj: TrustedIssuer) -> None:
        """Delete by action."""
        trust.delete_issuer(by=request.user, trusted=obj)
