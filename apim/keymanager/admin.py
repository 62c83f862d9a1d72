"""The admin site's pages of key managers, clients and keys. No secret and no private key is ever shown."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from oauth2_provider.models import (
    get_access_token_model,
    get_device_grant_model,
    get_grant_model,
    get_id_token_model,
    get_refresh_token_model,
)
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminPasswordWidget

from apim.accounts.admin_base import OrganisationAdmin, PlatformAdmin, ReadOnly
from apim.errors import ApimError
from apim.keymanager.actions import clients, key_managers, signing_keys
from apim.keymanager.models import RESIDENT, KeyManager, OAuthClient, RevokedToken, SigningKey

# The library's own pages know no organisations.
for _model in (
    get_access_token_model(), get_device_grant_model(), get_grant_model(), get_id_token_model(), get_refresh_token_model(),
    OAuthClient,
):  # fmt: skip
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


ELSEWHERE = ("organisation", "name", "issuer", "client_claim", "scope_claim", "jwks", "introspection_password")


class KeyManagerForm(forms.ModelForm):
    """A key manager with the secret that gateways show it. What is stored is never shown; empty leaves it."""

    introspection_password = forms.CharField(
        required=False,
        max_length=500,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="The gateways' secret there; empty leaves the one that is set.",
    )

    class Meta:
        model = KeyManager
        fields = ("name",)


@admin.register(KeyManager)
class KeyManagerAdmin(OrganisationAdmin):
    """Issuers whose tokens the gateways accept."""

    list_display = ("name", "issuer", "enabled", "organisation")
    list_filter = ("enabled", "organisation")
    search_fields = ("name", "issuer")
    form = KeyManagerForm
    fields = (
        "organisation",
        "name",
        "issuer",
        "enabled",
        ("client_claim", "scope_claim"),
        "jwks",
        "jwks_url",
        "introspection_url",
        ("introspection_user", "introspection_password"),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: KeyManager | None = None) -> tuple[str, ...]:
        """The resident one can only be switched on and off."""
        if obj is None:
            return ()
        fixed = ("organisation", "name")
        return tuple(name for name in ELSEWHERE if name != "introspection_password") if obj.name == RESIDENT else fixed

    def get_fields(self, request: HttpRequest, obj: KeyManager | None = None) -> Any:
        """The resident one has no secret to be set."""
        if obj is None or obj.name != RESIDENT:
            return self.fields
        return ("organisation", "name", "issuer", "enabled", ("client_claim", "scope_claim"), "jwks")

    def has_delete_permission(self, request: HttpRequest, obj: KeyManager | None = None) -> bool:
        """The resident one is the platform itself."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.name != RESIDENT)

    def perform_save(self, request: HttpRequest, obj: KeyManager, form: Any, change: bool) -> None:
        """Write by action."""
        given = form.cleaned_data.get("introspection_password") or None
        key_managers.save_key_manager(by=request.user, manager=obj, introspection_password=given)

    def perform_delete(self, request: HttpRequest, obj: KeyManager) -> None:
        """Delete by action."""
        key_managers.delete_key_manager(by=request.user, manager=obj)


@admin.register(OAuthClient)
class OAuthClientAdmin(OrganisationAdmin):
    """To look at and delete; clients are made in the portal and by registration."""

    list_display = ("name", "client_id", "user", "grants", "key_type", "registration_source", "created", "organisation")
    list_filter = ("key_type", "registration_source", "organisation")
    search_fields = ("name", "client_id", "user__username")
    list_select_related = ("user", "organisation")
    fields = (
        ("name", "client_id"),
        ("organisation", "user"),
        ("grants", "key_type"),
        ("client_type", "registration_source"),
        "redirect_uris",
        ("token_lifetime", "scopes"),
        ("created", "updated"),
    )

    @display(description="grants")
    def grants(self, client: OAuthClient) -> str:
        """The grants in one line."""
        return ", ".join(client.grant_types)

    def has_add_permission(self, request: HttpRequest, obj: OAuthClient | None = None) -> bool:
        """Made elsewhere."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: OAuthClient | None = None) -> bool:
        """Changed elsewhere."""
        return False

    def perform_delete(self, request: HttpRequest, obj: OAuthClient) -> None:
        """Delete by action."""
        clients.delete_client(by=request.user, client=obj)


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnly, PlatformAdmin):
    """Which keys sign and verify, and the button that makes a new one."""

    list_display = ("kid", "algorithm", "state", "created", "retired", "published_until")
    fields = ("kid", "algorithm", "state", "created", "retired", "published_until")
    actions_list = ("rotate",)

    @display(description="state", label={"signs": "success", "verifies": "info"})
    def state(self, key: SigningKey) -> str:
        """What it is used for."""
        return "verifies" if key.retired else "signs"

    @action(
        description="Rotate",
        url_path="rotate",
        permissions=["view"],
        dialog={
            "title": "Sign with a new key?",
            "description": "Tokens signed with the present key stay valid until they expire.",
            "form_submit_text": "Rotate",
        },
    )
    def rotate(self, request: HttpRequest, form: Any) -> HttpResponse:
        """Make a new key; older ones verify on until their last token has expired."""
        try:
            key = signing_keys.rotate_key(by=request.user)
        except ApimError as error:
            messages.error(request, error.description)
        else:
            messages.success(request, f"The key {key.kid} signs from now on.")
        return HttpResponse(headers={"HX-Redirect": reverse("admin:keymanager_signingkey_changelist")})


@admin.register(RevokedToken)
class RevokedTokenAdmin(ReadOnly, PlatformAdmin):
    """Tokens that were revoked and have not expired yet."""

    list_display = ("jti", "client_id", "revoked", "expires")
    search_fields = ("jti", "client_id")
