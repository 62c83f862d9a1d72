"""Settings of the integrator process, all from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from integrator.engine.settings import HTTP_PORT, HTTPS_PORT, MANAGEMENT_PORT, Settings

__all__ = ["HTTPS_PORT", "HTTP_PORT", "MANAGEMENT_PORT", "Settings", "SettingsError", "from_environment"]


class SettingsError(ValueError):
    """An environment variable has a value that is not allowed."""


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read all settings. Raises SettingsError naming variable, value and what is allowed."""
    var = Path(environment.get("APIM_VAR") or "var")
    scheduler = environment.get("INTEGRATOR_SCHEDULER") or "local"
    if scheduler not in ("local", "celery", "none"):
        raise SettingsError(f"INTEGRATOR_SCHEDULER={scheduler!r}: allowed are local, celery, none")
    return Settings(
        home=Path(environment.get("INTEGRATOR_HOME") or var / "integrator"),
        var=var,
        port_offset=int(_number(environment, "APIM_PORT_OFFSET", 0)),
        scheduler=scheduler,
        redis_url=environment.get("REDIS_URL", ""),
        scan_s=_number(environment, "INTEGRATOR_SCAN_SECONDS", 1.0),
        threads=int(_number(environment, "INTEGRATOR_THREADS", 16)),
        max_body_bytes=int(_number(environment, "INTEGRATOR_MAX_BODY", 64 * 1024 * 1024)),
        global_timeout_ms=int(_number(environment, "INTEGRATOR_TIMEOUT_MS", 120_000)),
        bind=environment.get("INTEGRATOR_BIND") or "0.0.0.0",  # noqa: S104
        trust=environment.get("INTEGRATOR_TRUST", ""),
        log_level=environment.get("INTEGRATOR_LOG_LEVEL", "INFO").upper(),
        log_json=environment.get("INTEGRATOR_LOG_FORMAT", "text") == "json",
    )


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError as error:
        raise SettingsError(f"{name}={text!r}: a number is expected") from error
    if value < 0:
        raise SettingsError(f"{name}={text!r}: a number of 0 or more is expected")
    return value
