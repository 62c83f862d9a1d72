"""What the engine has to be told: where its home is, its ports, limits and who schedules."""

from __future__ import annotations

import hashlib
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
    connector_packages: tuple[str, ...] = ("integrator.connectors",)
    """Where connectors are looked for; the engine itself knows none."""

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
