"""Addresses of the hub's internal resources, below /internal/websub/v1/."""

from django.urls import path

from apim.websub import views

app_name = "websub"
urlpatterns = [
    path("subscriptions", views.subscriptions, name="subscriptions"),
    path("events", views.events, name="events"),
]
