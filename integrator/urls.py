"""Addresses of the integrator's pages."""

from __future__ import annotations

from django.urls import path

from integrator.views import pages

app_name = "integrator"
urlpatterns = [
    path("", pages.overview, name="overview"),
    path("artifacts/<int:identifier>/run/", pages.run, name="run"),
]
