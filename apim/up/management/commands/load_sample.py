"""`manage.py load_sample`: the order-processing sample; `up` runs it on first start."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apim.errors import ApimError
from apim.up.banner import curl
from apim.up.sample.load import load_sample
from apim.up.trouble import Trouble


class Command(BaseCommand):
    """Safe to repeat; each run gives the sample application a new consumer secret."""

    help = "Load the order-processing sample into the running platform, and print a line that calls it."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Load; one sentence when a part does not play along."""
        try:
            note = load_sample()
        except (Trouble, ApimError) as error:
            raise CommandError(str(error)) from error
        if options["verbosity"] > 1:
            self.stdout.write(curl(note))
