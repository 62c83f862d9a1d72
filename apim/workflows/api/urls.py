"""Addresses below /api/am/admin/v4/, as in the contract."""

from __future__ import annotations

from django.urls import path

from apim.workflows.api import views

urlpatterns = [
    path("workflows", views.Workflows.as_view()),
    path("workflows/update-workflow-status", views.UpdateStatus.as_view()),
    path("workflows/<str:reference>", views.OneWorkflow.as_view()),
]
