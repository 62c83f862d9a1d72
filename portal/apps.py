"""Django's entry to this app."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Names the app for Django and the admin site."""

    name = "portal"
    verbose_name = "Developer portal"
