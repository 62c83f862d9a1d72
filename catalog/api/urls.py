"""Addresses of the REST resources of this app."""

from __future__ import annotations

from django.urls import path

from catalog.api import views

urlpatterns = [
    path("services", views.ServicesView.as_view()),
    path("services/import", views.ImportView.as_view()),
    path("services/export", views.ExportView.as_view()),
    path("services/<str:identifier>", views.ServiceView.as_view()),
    path("services/<str:identifier>/definition", views.DefinitionView.as_view()),
    path("services/<str:identifier>/usage", views.UsageView.as_view()),
    path("settings", views.SettingsView.as_view()),
]
