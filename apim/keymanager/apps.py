"""Django's entry to this app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class KeymanagerConfig(AppConfig):
    """Names the app for Django and the admin site, and makes the platform a key manager of each organisation."""

    name = "apim.keymanager"
    verbose_name = "Key manager"

    def ready(self) -> None:
        """Register the seeder; follow a changed public address at the next start, which migrates first."""
        from apim.accounts.hooks import seeds_organisation  # noqa: PLC0415 - models are loaded by now, not before
        from apim.keymanager.residents import refresh, seed  # noqa: PLC0415

        seeds_organisation(seed)
        post_migrate.connect(refresh, sender=self, dispatch_uid="keymanager.refresh")
