"""Django's entry to this app."""

from django.apps import AppConfig


class UpConfig(AppConfig):
    """Names the app that starts and fills the platform, and connects every Django process to Celery."""

    name = "apim.up"
    verbose_name = "Start-up"

    def ready(self) -> None:
        """Make our Celery application that of every thread, so that pages and commands reach the workers too."""
        from apim.celery import app  # noqa: PLC0415 - its settings are Django's

        app.set_default()
