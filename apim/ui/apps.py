"""Django's entry to this app."""

from django.apps import AppConfig


class UiConfig(AppConfig):
    """Names the app for Django and the admin site."""

    name = "apim.ui"
    verbose_name = "User interface"
