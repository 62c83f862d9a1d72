"""Django's entry to this app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Names the app for Django and the admin site, and adds its links to the header."""

    name = "catalog"
    verbose_name = "Service catalog"

    def ready(self) -> None:
        """Register the section's links."""
        from apim.accounts.roles import CATALOG_ROLES  # noqa: PLC0415 - models exist only from here on
        from apim.ui import nav  # noqa: PLC0415
        from catalog.actions.services import WRITERS  # noqa: PLC0415

        nav.register("catalog", "Services", "catalog:list", CATALOG_ROLES, icon="box", order=10)
        nav.register("catalog", "Import", "catalog:import", WRITERS, icon="upload", order=20)
