"""The admin site's pages of key managers, clients and keys. No secret and no private key is ever shown."""

from __future__ import annotations

from typing import Any

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

from apim.accounts.admin_base import OrganisationAdmin, PlatformAdmin, ReadOnly
from apim.errors import ApimError
from apim.keymanager.actions import clients, dynamic, signing_keys
from apim.keymanager.grant_admin import TokenPolicyAdmin, TrustedIssuerAdmin  # noqa: F401 - register themselves
from apim.keymanager.manager_admin import KeyManagerAdmin  # noqa: F401 - registers itself
from apim.keymanager.models import OAuthClient, RevokedToken, SigningKey

# The library's own pages know no organisations.
for _model in (
    get_access_token_model(), get_device_grant_model(), get_grant_model(), get_id_token_model(), get_refresh_token_model(),
    OAuthClient,
):  # fmt: skip
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


@admin.register(OAuthClient)
class OAuthClientAdmin(OrganisationAdmin):
    """Clients are made in the portal and by registration; here it is set how they prove themselves and what they get."""

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
        ("token_format", "bound_tokens"),
        "auth_method",
        "jwks",
        "tls_subject",
        "post_logout_redirect_uris",
        ("created", "updated"),
    )
    readonly_fields = (
        "name", "client_id", "organisation", "user", "grants", "key_type", "client_type", "registration_source", "redirect_uris",
        "token_lifetime", "scopes", "created", "updated",
    )  # fmt: skip

    @display(description="grants")
    def grants(self, client: OAuthClient) -> str:
        """The grants in one line."""
        return ", ".join(client.grant_types)

    def has_add_permission(self, request: HttpRequest, obj: OAuthClient | None = None) -> bool:
        """Made elsewhere."""
        return False

    def perform_save(self, request: HttpRequest, obj: OAuthClient, form: Any, change: bool) -> None:
        """Write by action."""
        dynamic.set_security(by=request.user, client=obj)

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
