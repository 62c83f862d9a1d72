"""Django's entry to this app."""

from django.apps import AppConfig


class UiConfig(AppConfig):
    """Names the app for Django and the admin site."""

    name = "apim.ui"
    verbose_name = "User interface"

    def ready(self) -> None:
        """Register the dashboard's cards; dress the admin site once it knows every page."""
        from apim.ui import cards  # noqa: F401, PLC0415 - models are only ready now
        from apim.ui.admin_dress import dress  # noqa: PLC0415

        dress()
