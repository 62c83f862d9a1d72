"""The admin site's grouped sidebar and start page, called by django-unfold by their names in `apim.ui.unfold`."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from apim.accounts.queries import sees_every_organisation
from apim.ui.dashboard import contents

GROUPS: dict[str, tuple[str, ...]] = {
    "Platform": ("accounts", "logins", "workflows", "configuration"),
    "Traffic": ("traffic",),
    "Keys": ("keymanager", "oauth2_provider"),
    "APIs": ("publisher", "portal", "catalog"),
    "Integration": ("integrator",),
    "Operations": ("eventhub", "websub", "django_celery_beat"),
}
"""Sidebar groups and the apps in them; models of other apps come last, under Operations."""

PAGES = (("Integration", "Integrators", "hub", "integrations:overview"),)
"""Pages of the platform's administrators that are no lists of a model: group, title, symbol, name of the address."""

SYMBOLS = {
    "organisation": "corporate_fare", "user": "person", "role": "badge", "auditrow": "history", "policy": "speed",
    "denypolicy": "block", "customrule": "rule",
    "oauthclient": "key", "signingkey": "signature", "keymanager": "vpn_key", "revokedtoken": "block", "tokenpolicy": "tune",
    "trustedissuer": "verified_user", "api": "api",
    "gatewayenvironment": "lan", "revision": "layers", "deployment": "rocket_launch", "application": "apps",
    "applicationkey": "key", "subscription": "handshake", "service": "inventory_2", "taskrun": "task_alt",
    "artifactstatus": "deployed_code", "gatewaystatus": "router", "event": "bolt", "current": "database",
    "periodictask": "schedule", "intervalschedule": "timer", "crontabschedule": "calendar_clock", "operation": "http",
    "tenantconfiguration": "tune", "theme": "palette", "alertsubscription": "notifications", "alertstate": "warning",
    "botalertsubscription": "contact_mail", "botsighting": "smart_toy", "apicategory": "category", "label": "label",
    "executor": "rule_settings", "task": "inbox", "portaldomain": "language",
    "loginrules": "passkey", "secondfactor": "phonelink_lock", "identityprovider": "login", "userstore": "contacts",
    "sharinggroup": "groups", "applicationattribute": "list_alt",
    "clockedschedule": "alarm", "delivery": "send", "domain": "dns", "solarschedule": "sunny", "lifecycleevent": "timeline",
}  # fmt: skip
"""Material symbols by model."""


TITLES = {
    "oauthclient": "OAuth clients",
    "auditrow": "Audit trail",
    "gatewaystatus": "Gateways",
    "current": "Current records",
    "websub.subscription": "WebSub callbacks",
    "websub.delivery": "WebSub deliveries",
}
"""Names in the sidebar where the model's own would not do; with the app's where two apps have a model of that name."""


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The registered models this user may see, by group."""
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in GROUPS}
    for model, model_admin in admin.site._registry.items():
        if model_admin.has_module_permission(request) and model_admin.has_view_permission(request):
            groups[_group(model._meta.app_label)].append(_item(model))
    for group, title, icon, name in PAGES:
        if sees_every_organisation(request.user):
            groups[group].insert(0, {"title": title, "icon": icon, "link": reverse(name)})
    home = {"title": "", "items": [{"title": "Dashboard", "icon": "home", "link": reverse("admin:index")}]}
    return [home] + [{"title": name, "separator": True, "items": items} for name, items in groups.items() if items]


def _group(app_label: str) -> str:
    return next((name for name, labels in GROUPS.items() if app_label in labels), "Operations")


def _item(model: Any) -> dict[str, Any]:
    meta = model._meta
    link = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    title = TITLES.get(meta.label_lower) or TITLES.get(meta.model_name) or str(meta.verbose_name_plural)
    return {"title": title[0].upper() + title[1:], "icon": SYMBOLS.get(meta.model_name, "table_rows"), "link": link}


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds figures and cards to the start page."""
    figures, cards = contents(request.user)
    return {**context, "figures": figures, "cards": cards}
