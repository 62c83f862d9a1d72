"""Addresses of the resources below /api/am/admin/v4/, as in the contract."""

from __future__ import annotations

from django.urls import path

from publisher.admin_api import apis, archives, environments, headings, mediation, settings, usage

urlpatterns = [
    path("settings", settings.Settings.as_view()),
    path("environments", environments.Environments.as_view()),
    path("environments/<str:environment_id>", environments.OneEnvironment.as_view()),
    path("environments/<str:environment_id>/gateways", environments.Gateways.as_view()),
    path("api-categories", headings.Categories.as_view()),
    path("api-categories/<str:category_id>", headings.OneCategory.as_view()),
    path("labels", headings.Labels.as_view()),
    path("labels/<str:label_id>", headings.OneLabel.as_view()),
    path("apis", apis.Apis.as_view()),
    path("apis/<str:api_id>/change-provider", apis.ChangeProvider.as_view()),
    path("export/api", archives.ExportApi.as_view()),
    path("import/api", archives.ImportApi.as_view()),
    path("export/api-product", archives.ExportApiProduct.as_view()),
    path("import/api-product", archives.ImportApiProduct.as_view()),
    path("policies/mediation", mediation.Sequences.as_view()),
    path("policies/mediation/<str:policy_id>", mediation.OneSequence.as_view()),
    path("monetization/publish-usage", usage.PublishUsage.as_view()),
    path("monetization/publish-usage/status", usage.UsageStatus.as_view()),
]
