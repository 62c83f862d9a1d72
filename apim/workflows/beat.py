"""When workflows look for due work; `manage.py bootstrap` writes it into the database."""

from __future__ import annotations

from apim.repeating import repeat


def schedule() -> None:
    """Add or correct the periodic tasks of this app."""
    repeat("Workflows: call services that are due", "apim.workflows.tasks.sweep", 10, "seconds")
    repeat("Workflows: forget what has ended", "apim.workflows.tasks.prune", 1, "days")
