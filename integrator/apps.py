"""Django's entry to this app."""

from django.apps import AppConfig


class IntegratorConfig(AppConfig):
    """Names the app for Django and the admin site, and adds its page to the catalog's links."""

    name = "integrator"
    verbose_name = "Integrator"

    def ready(self) -> None:
        """Register the link."""
        from apim.ui import nav  # noqa: PLC0415 - models exist only from here on
        from integrator.queries import ROLES  # noqa: PLC0415

        nav.register("catalog", "Integrations", "integrator:overview", ROLES, icon="flow", order=30)
