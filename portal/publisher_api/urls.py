"""Addresses of the publisher's REST resources on subscriptions, below /api/am/publisher/v4/."""

from __future__ import annotations

from django.urls import path

from portal.publisher_api import subscriptions

urlpatterns = [
    path("subscriptions", subscriptions.Subscriptions.as_view()),
    path("subscriptions/block-subscription", subscriptions.Block.as_view()),
    path("subscriptions/unblock-subscription", subscriptions.Unblock.as_view()),
    path("subscriptions/change-business-plan", subscriptions.ChangePlan.as_view()),
    path("subscriptions/<str:subscription_id>/subscriber-info", subscriptions.SubscriberInfo.as_view()),
    path("subscriptions/<str:subscription_id>/usage", subscriptions.Usage.as_view()),
]
