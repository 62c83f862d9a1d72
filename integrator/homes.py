"""Which integrator homes this installation's workers look after, and the engine settings for one of them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from integrator.settings import Settings, from_environment


def known() -> list[str]:
    """Absolute paths of the homes that exist."""
    home = _from_platform().home.resolve()
    return [str(home)] if home.is_dir() else []


def settings_for(home: str) -> Settings:
    """What an engine in a worker needs to know. It schedules nothing itself: Celery does."""
    return replace(_from_platform(), home=Path(home), scheduler="none")


def _from_platform() -> Settings:
    config = settings.APIM
    told = {"APIM_VAR": str(config.var), "APIM_PORT_OFFSET": str(config.port_offset), "REDIS_URL": config.redis}
    return from_environment(os.environ | told)
