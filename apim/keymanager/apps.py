"""Django's entry to this app."""

from django.apps import AppConfig


class KeymanagerConfig(AppConfig):
    """Names the app for Django and the admin site."""

    name = "apim.keymanager"
    verbose_name = "Key manager"
