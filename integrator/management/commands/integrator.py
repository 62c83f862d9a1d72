"""`manage.py integrator` for those who look it up in `manage.py help`; manage.py itself takes the short way to the same."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand

from integrator import alone


class Command(BaseCommand):
    """Runs the integrator alone."""

    help = (
        "Run the integrator alone, in the foreground: no database, no Redis, no control plane. "
        "`manage.py integrator test FILE...` runs unit tests of artifacts (docs/unit-tests.md)."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The options of `integrator.alone`."""
        for action in alone.parser()._actions[1:]:
            parser.add_argument(*action.option_strings, dest=action.dest, help=action.help, default=action.default)

    def handle(self, *arguments: Any, **options: Any) -> None:
        """Start it."""
        given = [
            f"--{name.replace('_', '-')}={options[name]}" for name in ("home", "port_offset", "host") if options[name]
        ]
        sys.exit(alone.main(given))
