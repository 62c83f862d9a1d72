"""Settings of the integrator process, all from the environment."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HTTP_PORT, HTTPS_PORT, MANAGEMENT_PORT = 8290, 8253, 9164


@dataclass(frozen=True)
class Settings:
    """One value for each thing that can be set. Times in seconds unless the name says otherwise."""

    home: Path
    var: Path
    port_offset: int = 0
    scheduler: str = "local"
    redis_url: str = ""
    scan_s: float = 1.0
    threads: int = 16
    max_body_bytes: int = 64 * 1024 * 1024
    global_timeout_ms: int = 120_000
    trust: str = ""
    bind: str = "0.0.0.0"  # noqa: S104  (inbound endpoints listen where the main ports do)
    log_level: str = "INFO"
    log_json: bool = False

    @property
    def http_port(self) -> int:
        """Port of plain HTTP."""
        return HTTP_PORT + self.port_offset

    @property
    def https_port(self) -> int:
        """Port of HTTPS."""
        return HTTPS_PORT + self.port_offset

    @property
    def management_port(self) -> int:
        """Port of the management API."""
        return MANAGEMENT_PORT + self.port_offset

    @property
    def store_prefix(self) -> str:
        """Begin of this home's keys in Redis."""
        return f"integrator:{hashlib.sha256(str(self.home.resolve()).encode()).hexdigest()[:12]}"

    @property
    def secrets(self) -> Path:
        """Folder of keys and passwords."""
        return self.var / "secrets"


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
