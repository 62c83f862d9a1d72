"""Django's entry to this app."""

from django.apps import AppConfig


class IntegratorConfig(AppConfig):
    """Names the app for Django and the admin site."""

    name = "integrator"
    verbose_name = "Integrator"
