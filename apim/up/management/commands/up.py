"""`manage.py up` as Django's help shows it; manage.py itself goes to `apim.up.run` without loading Django."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand

from apim.config import ROOT
from apim.up.options import parser


class Command(BaseCommand):
    """Runs the whole platform in the foreground."""

    help = "Run the whole platform in the foreground: embedded Redis, control plane, worker, beat, gateway, integrator."
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Become the small process that manage.py makes of it (for callers by way of django-admin)."""
        os.execv(sys.executable, [sys.executable, str(ROOT / "manage.py"), "up", *argv[2:]])  # noqa: S606 - our own file

    def handle(self, *args: Any, **options: Any) -> None:
        """For `call_command`, which has no words to hand on."""
        self.run_from_argv(["manage.py", "up"])

    def print_help(self, *_: str) -> None:
        """The options."""
        parser().print_help()
