"""Django's entry to this app."""

from django.apps import AppConfig


class ConfigurationConfig(AppConfig):
    """Names the app, and tells the floors below what administrators set."""

    name = "apim.configuration"
    label = "configuration"
    verbose_name = "Configuration"

    def ready(self) -> None:
        """Register what other rooms ask for."""
        # Models cannot be imported before every app is loaded.
        from apim.accounts.hooks import gives_signup_roles  # noqa: PLC0415
        from apim.configuration import bots, document, theme_css  # noqa: PLC0415
        from apim.eventhub.status import on_strangers  # noqa: PLC0415
        from apim.ui.themes import themes_by  # noqa: PLC0415

        gives_signup_roles(document.signup_roles)
        on_strangers(bots.note)
        themes_by(theme_css.of_organisation)
