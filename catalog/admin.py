"""The catalog in the admin site: to look at; changes go through the actions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from catalog.models import Service


@admin.register(Service)
class ServiceAdmin(ModelAdmin):
    """Services of every organisation, read-only: their content belongs to the integrators that registered them."""

    list_display = ("name", "version", "definition_type", "organisation", "url", "updated_by", "updated")
    list_filter = ("definition_type", "security_type", "organisation")
    search_fields = ("name", "display_name", "key", "url")
    date_hierarchy = "updated"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Services come from integrators, the REST API or the import page."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Read-only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deleting checks for APIs that use the service, which only the action does."""
        return False
