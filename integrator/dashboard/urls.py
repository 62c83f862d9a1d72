"""Addresses of the dashboard of integrators, below /admin/integrations/."""

from __future__ import annotations

from django.urls import path

from integrator.dashboard import pages, writes

app_name = "integrations"
urlpatterns = [
    path("", pages.overview, name="overview"),
    path("<int:pk>/", pages.node, name="node"),
    path("<int:pk>/artifacts/", pages.artifacts, name="artifacts"),
    path("<int:pk>/artifact/<slug:kind>/", pages.artifact, name="artifact"),
    path("<int:pk>/artifact/<slug:kind>/switch/", writes.switch, name="switch"),
    path("<int:pk>/applications/", pages.applications, name="applications"),
    path("<int:pk>/applications/upload/", writes.upload, name="upload"),
    path("<int:pk>/applications/change/", writes.application, name="application"),
    path("<int:pk>/logs/", pages.logs, name="logs"),
    path("<int:pk>/logs/tail/", pages.tail, name="tail"),
    path("<int:pk>/logs/download/", pages.download, name="download"),
    path("<int:pk>/loggers/", pages.loggers, name="loggers"),
    path("<int:pk>/loggers/change/", writes.level, name="level"),
    path("<int:pk>/look/", writes.look, name="look"),
]
