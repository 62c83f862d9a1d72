"""Django's entry to this app."""

from django.apps import AppConfig


class UpConfig(AppConfig):
    """Names the app that starts and fills the platform."""

    name = "apim.up"
    verbose_name = "Start-up"
