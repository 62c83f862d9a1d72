"""Django's entry to this app."""

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    """Names the app, and takes part in sign-ups, which the floor below carries out."""

    name = "apim.workflows"
    verbose_name = "Workflows"

    def ready(self) -> None:
        """Register what this app does when somebody signs up."""
        from apim.accounts.hooks import holds_sign_ups, on_user_settled  # noqa: PLC0415 - models are loaded by now, not before
        from apim.workflows import sign_up  # noqa: PLC0415

        sign_up.register()
        holds_sign_ups(sign_up.hold)
        on_user_settled(sign_up.settled)
