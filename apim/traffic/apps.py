"""Django's entry to this app."""

from django.apps import AppConfig


class TrafficConfig(AppConfig):
    """Names the app for Django and the admin site."""

    name = "apim.traffic"
    verbose_name = "Traffic"
