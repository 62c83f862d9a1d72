"""The hub's tables in the admin site, to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from apim.websub.models import Delivery, Subscription


class _ReadOnly(ModelAdmin):
    """Rows are written by gateways and workers only."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Subscription)
class SubscriptionAdmin(_ReadOnly):
    """Callbacks. Deleting one ends it."""

    list_display = ("topic", "callback", "organisation", "state", "expires", "delivered", "delivery_status")
    list_filter = ("state", "organisation")
    search_fields = ("topic", "callback", "application", "api")
    exclude = ("secret", "callback_hash")


@admin.register(Delivery)
class DeliveryAdmin(_ReadOnly):
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
