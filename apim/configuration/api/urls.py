"""Addresses of the resources below /api/am/admin/v4/, as in the contract."""

from __future__ import annotations

from django.urls import path

from apim.configuration.api import alerts, document, scopes, tenants, theme

urlpatterns = [
    path("tenant-config", document.Configuration.as_view()),
    path("tenant-config-schema", document.Schema.as_view()),
    path("tenant-theme", theme.TenantTheme.as_view()),
    path("system-scopes", scopes.SystemScopes.as_view()),
    path("system-scopes/role-aliases", scopes.RoleAliases.as_view()),
    path("system-scopes/<str:scope_name>", scopes.OneScope.as_view()),
    path("alert-types", alerts.AlertTypes.as_view()),
    path("alert-subscriptions", alerts.AlertSubscriptions.as_view()),
    path("alert-subscriptions/bot-detection", alerts.BotSubscriptions.as_view()),
    path("alert-subscriptions/bot-detection/<str:uuid>", alerts.OneBotSubscription.as_view()),
    path("bot-detection-data", alerts.BotData.as_view()),
    path("tenant-info/<str:username>", tenants.TenantInfo.as_view()),
    path("custom-urls/<str:tenant_domain>", tenants.CustomUrls.as_view()),
]
