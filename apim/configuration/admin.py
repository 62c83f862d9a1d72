"""The admin site's pages of an organisation's configuration, theme and alerts, and of calls that looked like a bot's."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from apim.accounts.admin_base import OrganisationAdmin, PlatformAdmin, ReadOnly
from apim.configuration.actions import alerts as alert_actions
from apim.configuration.actions.document import set_role_aliases, set_scope_roles, write_configuration
from apim.configuration.actions.theme import remove_theme, set_theme
from apim.configuration.admin_forms import AlertForm, ConfigurationForm, ThemeForm, colour_fields
from apim.configuration.document import defaults
from apim.configuration.models import (
    AlertState,
    AlertSubscription,
    BotAlertSubscription,
    BotSighting,
    TenantConfiguration,
    Theme,
)
from apim.configuration.theme import USUAL


class _Owned(OrganisationAdmin):
    """One row of each organisation, which it keeps."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Whose it is stays."""
        return ("organisation",) if obj else ()


@admin.register(TenantConfiguration)
class ConfigurationAdmin(_Owned):
    """The configuration: roles of scopes, aliases of roles, and the rest of the document. Deleted, the defaults hold."""

    form = ConfigurationForm
    places: ClassVar[dict[str, str]] = {
        "list": "role_aliases",
        "list.name": "scope_roles",
        "list.roles": "scope_roles",
        **dict.fromkeys(
            ("body", "SelfSignUp", "Notifications", "NotificationsEnabled", "Meta", "RESTAPIScopes"), "others"
        ),
    }
    list_display = ("organisation", "honoured", "updated")
    list_filter = ("organisation",)
    list_select_related = ("organisation",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Scopes first: they are what one comes for."""
        hidden = self.get_exclude(request, obj)
        return [one for one in ("organisation", "scope_roles", "role_aliases", "others") if one not in hidden]

    def perform_save(self, request: HttpRequest, obj: TenantConfiguration, form: ModelForm, change: bool) -> None:
        """By the actions: the scopes and aliases first, whose roles they check, then the whole document."""
        given = {"by": request.user, "organisation": obj.organisation}
        set_scope_roles(**given, roles=form.cleaned_data["scope_roles"])
        set_role_aliases(**given, aliases=form.cleaned_data["role_aliases"])
        write_configuration(**given, content=form.content())
        obj.pk = TenantConfiguration.objects.get(organisation=obj.organisation).pk

    @display(description="Set by hand")
    def honoured(self, row: TenantConfiguration) -> str:
        """The fields that somebody changed."""
        usual = defaults()
        return ", ".join(name for name, value in row.content.items() if usual.get(name) != value) or "–"


@admin.register(Theme)
class ThemeAdmin(_Owned):
    """How an organisation's portal looks. Deleted, it looks as usual."""

    form = ThemeForm
    list_display = ("organisation", "swatch", "updated")
    list_select_related = ("organisation",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The preview, the archive, then single values; light and dark beside each other."""
        pairs = [(f"light_{name}", f"dark_{name}") for name in USUAL["light"]]
        found = [*(["preview"] if obj else []), "organisation", "archive", "title", "image", *pairs]
        return [one for one in found if one not in self.get_exclude(request, obj)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The preview is made of what is saved."""
        return (*super().get_readonly_fields(request, obj), "preview")

    def perform_save(self, request: HttpRequest, obj: Theme, form: ModelForm, change: bool) -> None:
        """By the action."""
        described, logo, kind = form.cleaned_data["theme"]
        saved = set_theme(
            by=request.user, organisation=obj.organisation, description=described, logo=logo, logo_type=kind
        )
        obj.pk = saved.pk

    def perform_delete(self, request: HttpRequest, obj: Theme) -> None:
        """By the action."""
        remove_theme(by=request.user, organisation=obj.organisation)

    @display(description="Colours")
    def swatch(self, row: Theme) -> SafeString:
        """Its accents."""
        box = (
            '<span style="display:inline-block;width:1.25rem;height:1.25rem;border-radius:.3rem;background:{}"></span> '
        )
        return format_html(box * 2, row.description["light"]["accent"], row.description["dark"]["accent"])

    @display(description="Preview")
    def preview(self, row: Theme) -> SafeString:
        """A light and a dark card with its colours, as they are saved."""
        return render_to_string("configuration/preview.html", {"theme": row.description, "fields": colour_fields()})


@admin.register(AlertSubscription)
class AlertSubscriptionAdmin(OrganisationAdmin):
    """Who is mailed when something is the matter. One adds and changes one's own."""

    form = AlertForm
    list_display = ("user", "shown_alerts", "shown_emails", "organisation")
    list_select_related = ("user", "organisation")
    fields = ("alerts", "emails")

    def has_change_permission(self, request: HttpRequest, obj: AlertSubscription | None = None) -> bool:
        """One's own."""
        return super().has_change_permission(request, obj) and (obj is None or obj.user_id == request.user.pk)

    def perform_save(self, request: HttpRequest, obj: AlertSubscription, form: ModelForm, change: bool) -> None:
        """By the action."""
        given = form.cleaned_data
        row = alert_actions.subscribe(by=request.user, alerts=given["alerts"], emails=given["emails"])
        obj.pk, obj.user = row.pk, row.user

    def perform_delete(self, request: HttpRequest, obj: AlertSubscription) -> None:
        """By the action."""
        alert_actions.unsubscribe(by=request.user, subscription=obj)

    @display(description="Alerts")
    def shown_alerts(self, row: AlertSubscription) -> str:
        """Their names."""
        return ", ".join(row.alerts)

    @display(description="Addresses")
    def shown_emails(self, row: AlertSubscription) -> str:
        """All of them."""
        return ", ".join(row.emails)


@admin.register(AlertState)
class AlertStateAdmin(ReadOnly, PlatformAdmin):
    """What is the matter with gateways now."""

    list_display = ("alert", "key", "detail", "since")
    list_filter = ("alert",)


@admin.register(BotAlertSubscription)
class BotAlertAdmin(OrganisationAdmin):
    """Addresses that are mailed about possible bots."""

    list_display = ("email", "organisation")
    list_filter = ("organisation",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """One takes an address away and adds another."""
        return False

    def perform_save(self, request: HttpRequest, obj: BotAlertSubscription, form: ModelForm, change: bool) -> None:
        """By the action."""
        made = alert_actions.subscribe_to_bots(by=request.user, organisation=obj.organisation, email=obj.email)
        obj.pk = made.pk

    def perform_delete(self, request: HttpRequest, obj: BotAlertSubscription) -> None:
        """By the action."""
        alert_actions.unsubscribe_from_bots(by=request.user, subscription=obj)


@admin.register(BotSighting)
class BotSightingAdmin(ReadOnly, OrganisationAdmin):
    """Clients that looked for APIs that do not exist."""

    list_display = ("at", "client", "calls", "method", "path", "gateway", "organisation")
    list_filter = ("method", "organisation")
    search_fields = ("client", "path", "message_id")
    date_hierarchy = "at"
