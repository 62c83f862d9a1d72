"""Addresses below /api/am/devops/v0/, as in the original."""

from __future__ import annotations

from django.urls import path

from publisher.devops.logging import ApiLog, ApiLogs

urlpatterns = [
    path("tenant-logs/<str:tenant>/apis", ApiLogs.as_view()),
    path("tenant-logs/<str:tenant>/apis/<str:api_id>", ApiLog.as_view()),
]
