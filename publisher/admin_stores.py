"""The admin site's page of external stores."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from apim.accounts.admin_base import OrganisationAdmin
from publisher.actions.stores import delete_store, save_store
from publisher.forms.stores import StoreForm
from publisher.models import ExternalStore


@admin.register(ExternalStore)
class ExternalStoreAdmin(OrganisationAdmin):
    """Other installations in whose portals the organisation shows its APIs."""

    form = StoreForm
    places = {"password": "secret"}
    list_display = ("name", "display_name", "endpoint", "username", "number", "organisation")
    list_filter = ("organisation",)
    list_select_related = ("organisation",)
    search_fields = ("name", "display_name", "endpoint")
    fields = ("organisation", "name", "display_name", "endpoint", "username", "secret")

    def get_readonly_fields(self, request: HttpRequest, obj: ExternalStore | None = None) -> tuple[str, ...]:
        """The name is its id for clients."""
        return ("organisation", "name") if obj else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExternalStore]:
        """With the number of APIs."""
        return super().get_queryset(request).annotate(api_count=Count("publications"))

    @display(description="APIs", ordering="api_count")
    def number(self, row: ExternalStore) -> int:
        """How many APIs it shows."""
        return row.api_count

    def perform_save(self, request: HttpRequest, obj: ExternalStore, form: Any, change: bool) -> None:
        """By the action."""
        given = {name: form.cleaned_data.get(name) for name in ("display_name", "endpoint", "username")}
        given["password"] = form.cleaned_data["secret"]
        given |= {} if change else {"name": obj.name}
        obj.pk = save_store(by=request.user, organisation=obj.organisation, store=obj if change else None, **given).pk

    def perform_delete(self, request: HttpRequest, obj: ExternalStore) -> None:
        """By the action."""
        delete_store(by=request.user, store=obj)
