"""Django's entry to this app."""

from django.apps import AppConfig


class PublisherConfig(AppConfig):
    """Names the app for Django and the admin site."""

    name = "publisher"
    verbose_name = "Publisher"
