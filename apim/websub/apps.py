"""Django's entry to this app."""

from django.apps import AppConfig


class WebsubConfig(AppConfig):
    """Names the app for Django and the admin site."""

    name = "apim.websub"
    verbose_name = "WebSub hub"
