"""Addresses that belong to no room."""

from __future__ import annotations

from django.urls import path

from apim.ui import health, home, metrics, views

app_name = "ui"
urlpatterns = [
    path("", home.home, name="home"),
    path("ui/styleguide", views.styleguide, name="styleguide"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("robots.txt", views.robots, name="robots"),
    path("favicon.ico", views.favicon, name="favicon"),
]
