"""Django's entry to this app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Names the app for Django and the admin site."""

    name = "catalog"
    verbose_name = "Service catalog"
