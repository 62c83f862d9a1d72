"""Django's entry to this app."""

from django.apps import AppConfig


class EventhubConfig(AppConfig):
    """Names the app for Django and the admin site."""

    name = "apim.eventhub"
    verbose_name = "Event hub"
