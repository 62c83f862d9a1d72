"""Addresses of the pages of this app."""

from __future__ import annotations

from django.urls import path

from catalog.views import pages

app_name = "catalog"
urlpatterns = [
    path("", pages.service_list, name="list"),
    path("import/", pages.service_import, name="import"),
    path("services/<uuid:identifier>/", pages.service_detail, name="detail"),
    path("services/<uuid:identifier>/definition/", pages.service_definition, name="definition"),
    path("services/<uuid:identifier>/delete/", pages.service_delete, name="delete"),
]
