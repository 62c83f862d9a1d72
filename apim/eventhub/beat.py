"""When the chores of the event hub run; `manage.py bootstrap` writes it into the database."""

from __future__ import annotations

from apim.repeating import repeat


def schedule() -> None:
    """Add or correct the periodic tasks of this app."""
    repeat("Event hub: prune old changes and gateways", "apim.eventhub.tasks.prune", 1, "hours")
