"""Addresses of the publisher's pages that belong to the portal's room, below /publisher/."""

from __future__ import annotations

from django.urls import path

from portal.views import publisher_subscriptions as views

app_name = "portal_publisher"
urlpatterns = [
    path("apis/<uuid:api_id>/subscriptions/", views.subscriptions, name="subscriptions"),
    path("subscriptions/<uuid:subscription_id>/state", views.set_state, name="set_state"),
    path("subscriptions/<uuid:subscription_id>/plan", views.change_plan, name="change_plan"),
]
