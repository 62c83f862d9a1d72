"""Runs integrations written as Synapse XML. No Django, no Celery: `Engine` and `open_home` are all that others need."""

from integrator.engine.engine import Engine, Home, open_home

__all__ = ["Engine", "Home", "open_home"]
