"""The hub's tables in the admin site, to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from apim.accounts import audit
from apim.accounts.admin_base import PlatformAdmin
from apim.websub.models import Delivery, Subscription


class _Rows(PlatformAdmin):
    """Rows are written by gateways and workers only; the platform's administrators may delete them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def perform_delete(self, request: HttpRequest, obj: Model) -> None:
        """With an audit row; what the rows call their organisation is its name, as gateways know it."""
        kind = f"websub.{obj._meta.model_name}.delete"
        audit.record(request.user, kind, obj, organisation=request.user.organisation)
        obj.delete()


@admin.register(Subscription)
class SubscriptionAdmin(_Rows):
    """Callbacks. Deleting one ends it."""

    list_display = ("topic", "callback", "organisation", "state", "expires", "delivered", "delivery_status")
    list_filter = ("state", "organisation")
    search_fields = ("topic", "callback", "application", "api")
    exclude = ("secret", "callback_hash")


@admin.register(Delivery)
class DeliveryAdmin(_Rows):
    """Deliveries of the last days."""

    list_display = ("id", "topic", "callback", "outcome", "attempts", "status", "due", "error")
    list_filter = ("outcome",)
    list_select_related = ("event", "subscription")

    @admin.display
    def topic(self, delivery: Delivery) -> str:
        """The event's topic."""
        return delivery.event.topic

    @admin.display
    def callback(self, delivery: Delivery) -> str:
        """Where it goes."""
        return delivery.subscription.callback
