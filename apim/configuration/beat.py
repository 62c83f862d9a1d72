"""When troubles are looked for and old sightings forgotten; `manage.py bootstrap` writes it into the database."""

from __future__ import annotations

from apim.repeating import repeat


def schedule() -> None:
    """Add or correct the periodic tasks of this app."""
    repeat("Alerts: look for trouble and mail it", "apim.configuration.tasks.look_for_trouble", 1, "minutes")
    repeat("Alerts: forget old sightings of bots", "apim.configuration.tasks.prune", 1, "hours")
