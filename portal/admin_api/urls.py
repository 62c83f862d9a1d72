"""Addresses of the resources below /api/am/admin/v4/, as in the contract."""

from __future__ import annotations

from django.urls import path

from portal.admin_api import applications, archives

urlpatterns = [
    path("applications", applications.Applications.as_view()),
    path("applications/<str:application_id>", applications.OneApplication.as_view()),
    path("applications/<str:application_id>/change-owner", applications.ChangeOwner.as_view()),
    path("export/applications", archives.ExportApplication.as_view()),
    path("import/applications", archives.ImportApplication.as_view()),
]
