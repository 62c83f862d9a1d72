"""`manage.py bootstrap`: prepare the installation; `up` and the containers run it before anything else."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apim.up.bootstrap import bootstrap
from apim.up.trouble import Trouble


class Command(BaseCommand):
    """Everything is idempotent: run it after each upgrade."""

    help = "Migrate, make secrets and certificate, the first organisation, the administrator, and the schedules."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run all steps; one sentence when that cannot be."""
        try:
            bootstrap()
        except Trouble as trouble:
            raise CommandError(str(trouble)) from trouble
