"""The catalog in the admin site: to look at; changes go through the actions."""

from __future__ import annotations

from django.contrib import admin

from apim.accounts.admin_base import OrganisationAdmin, ReadOnly
from catalog.models import Service


@admin.register(Service)
class ServiceAdmin(ReadOnly, OrganisationAdmin):
    """Registered services, read-only: their content belongs to the integrators that registered them."""

    list_display = ("name", "version", "definition_type", "organisation", "url", "updated_by", "updated")
    list_filter = ("definition_type", "security_type", "organisation")
    search_fields = ("name", "display_name", "key", "url")
    date_hierarchy = "updated"
