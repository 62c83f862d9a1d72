"""`manage.py reference`: writes docs/reference from the code, or says which page is stale."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apim.config import ROOT
from apim.up.reference import pages

FOLDER = ROOT / "docs" / "reference"


class Command(BaseCommand):
    """`--check` for CI, `--write` for people."""

    help = "Write the generated reference pages (--write), or fail when one is stale (--check)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One of the two is needed."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--check", action="store_true")
        which.add_argument("--write", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare or write every page."""
        made = pages()
        stale = [name for name, text in made.items() if not _same(name, text)]
        if options["write"]:
            for name in stale:
                (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
                (FOLDER / name).write_text(made[name])
        elif stale:
            raise CommandError(f"Stale: {', '.join(stale)} in docs/reference; run make docs and commit the result.")


def _same(name: str, text: str) -> bool:
    path = FOLDER / name
    return path.is_file() and path.read_text() == text
