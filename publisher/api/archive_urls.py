"""Addresses of the REST resources of archives below /api/am/publisher/v4/, as in the contract."""

from __future__ import annotations

from django.urls import path

from publisher.api import archives

urlpatterns = [
    path("apis/export", archives.Export.as_view()),
    path("apis/import", archives.Import.as_view()),
    path("api-products/export", archives.ExportProduct.as_view()),
    path("api-products/import", archives.ImportProduct.as_view()),
]
