"""Django's entry to this app."""

from django.apps import AppConfig


class TrafficConfig(AppConfig):
    """Names the app for Django and the admin site, and fills new organisations with the default policies."""

    name = "apim.traffic"
    verbose_name = "Traffic"

    def ready(self) -> None:
        """Register the seeder; only now are the models loaded."""
        from apim.accounts.hooks import seeds_organisation  # noqa: PLC0415 - models are loaded by now, not before
        from apim.traffic.defaults import seed  # noqa: PLC0415

        seeds_organisation(seed)
