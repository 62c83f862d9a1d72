"""When the chores of the key manager run; `manage.py bootstrap` writes it into the database."""

from __future__ import annotations

from apim.repeating import repeat


def schedule() -> None:
    """Add or correct the periodic tasks of this app."""
    repeat("Key manager: prune expired tokens and keys", "apim.keymanager.tasks.prune", 10, "minutes")
