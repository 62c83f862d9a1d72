"""Addresses of the integrator's pages."""

from __future__ import annotations

from django.urls import path

from integrator.views import pages, traces

app_name = "integrator"
urlpatterns = [
    path("", pages.overview, name="overview"),
    path("artifacts/<int:identifier>/run/", pages.run, name="run"),
    path("traces/", traces.index, name="traces"),
    path("traces/<int:pk>/<uuid:identifier>/", traces.show, name="trace"),
    path("traces/<int:pk>/rules/", traces.add_rule, name="trace-rules"),
    path("traces/<int:pk>/rules/<slug:identifier>/remove/", traces.remove_rule, name="trace-rule-remove"),
    path("traces/<int:pk>/clear/", traces.clear, name="trace-clear"),
    path("traces/<int:pk>/try/", traces.attempt, name="trace-try"),
]
