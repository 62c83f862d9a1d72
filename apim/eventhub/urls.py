"""Addresses of the internal event hub."""

from django.urls import path

from apim.eventhub import views

app_name = "eventhub"
urlpatterns = [
    path("changes", views.changes, name="changes"),
    path("status", views.status, name="status"),
    path("gateways", views.gateways, name="gateways"),
    path("metrics", views.metrics, name="metrics"),
]
