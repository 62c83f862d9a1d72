"""Django's entry to this app."""

from django.apps import AppConfig


class LoginConfig(AppConfig):
    """Names the app, and takes part in log-ins, which the floor below carries out."""

    name = "apim.login"
    label = "logins"
    verbose_name = "Log-in"

    def ready(self) -> None:
        """Let this app's rules decide about log-ins."""
        from apim.accounts import doors  # noqa: PLC0415 - models are loaded by now, not before
        from apim.login.gate import Gate  # noqa: PLC0415

        doors.register(Gate())
