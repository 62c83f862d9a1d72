"""Addresses of what an organisation has besides its APIs, below /api/am/publisher/v4/, as in the contract."""

from __future__ import annotations

from django.urls import path

from publisher.api import organisation, scopes

urlpatterns = [
    path("scopes", scopes.Scopes.as_view()),
    path("scopes/<str:scope_id>", scopes.OneScope.as_view()),
    path("scopes/<str:scope_id>/usage", scopes.ScopeUsage.as_view()),
    path("roles/<str:role_id>", organisation.SystemRole.as_view()),
    path("me/roles/<str:role_id>", organisation.OwnRole.as_view()),
    path("tenants", organisation.Tenants.as_view()),
    path("tenants/<str:domain>", organisation.OneTenant.as_view()),
    path("api-categories", organisation.Categories.as_view()),
    path("key-managers", organisation.KeyManagers.as_view()),
    path("linter-custom-rules", organisation.LinterRules.as_view()),
]
