"""When the hub looks for due work; `manage.py bootstrap` writes it into the database."""

from __future__ import annotations

from apim.repeating import repeat


def schedule() -> None:
    """Add or correct the periodic tasks of this app."""
    repeat("WebSub hub: queue what is due", "apim.websub.tasks.sweep", 5, "seconds")
    repeat("WebSub hub: forget what has ended", "apim.websub.tasks.prune", 10, "minutes")
