"""Every setting of the gateway, declared once. Variables carry the prefix GATEWAY_ except those shared by all processes."""

from __future__ import annotations

import socket
from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Settings of one gateway process."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", extra="ignore", populate_by_name=True)

    var: Path = Field(
        default=ROOT / "var",
        validation_alias=AliasChoices("APIM_VAR", "var"),
        description="Folder that holds all state.",
    )
    port_offset: int = Field(
        default=0,
        ge=0,
        le=55000,
        validation_alias=AliasChoices("APIM_PORT_OFFSET", "port_offset"),
        description="Added to every default port.",
    )
    cluster_secret: str = Field(
        default="",
        validation_alias=AliasChoices("APIM_CLUSTER_SECRET", "cluster_secret"),
        description="Secret shown to the control plane; default: the file var/secrets/cluster.",
    )
    redis_url: str = Field(
        default="",
        validation_alias=AliasChoices("REDIS_URL", "APIM_REDIS_URL", "redis_url"),
        description="Redis for hints and shared limits; default: the embedded one on port 6390 + offset.",
    )
    log_format: str = Field(
        default="json",
        pattern="^(json|console)$",
        validation_alias=AliasChoices("APIM_LOG_FORMAT", "log_format"),
        description="json for machines, console for people.",
    )
    environment: str = Field(
        default="Default", pattern=r"^[\w.-]{1,100}$", description="Gateway environment whose APIs are served."
    )
    name: str = Field(default="", description="Name shown in the admin site; default: the host's name.")
    control_plane_url: str = Field(
        default="", description="Address of the control plane; default http://127.0.0.1:9763 + offset."
    )
    https_port: int = Field(
        default=0, ge=0, le=65535, description="Listening port that speaks TLS; default 8243 + offset."
    )
    tls_certificate: Path | None = Field(
        default=None, description="Certificate chain (PEM); default var/secrets/tls.crt."
    )
    tls_key: Path | None = Field(default=None, description="Its private key (PEM); default var/secrets/tls.key.")
    backend_ca: Path | None = Field(
        default=None, description="Authorities (PEM) trusted for https backends, besides the system's and our own."
    )
    poll_seconds: float = Field(default=2.0, gt=0, description="Seconds between looks for changes without a hint.")
    status_seconds: float = Field(default=5.0, gt=0, description="Seconds between reports to the control plane.")
    merge_seconds: float = Field(
        default=0.05, gt=0, description="Seconds between merges of limit counters with other workers."
    )
    token_cache: int = Field(
        default=50_000, ge=1, description="Verified tokens remembered for each organisation in a worker."
    )
    access_log: float = Field(default=0.0, ge=0, le=1, description="Share of calls in the access log: 0 none, 1 all.")
    refusal_log_per_second: int = Field(
        default=100, ge=0, description="Refused calls logged a second; more are only counted."
    )
    correlation_log: bool = Field(default=False, description="Log for each call where its time went.")
    analytics: bool = Field(default=False, description="Send one event per call to analytics_sink.")
    analytics_sink: str = Field(
        default="redis",
        pattern="^(redis|log)$",
        description="redis: the stream apim:analytics; log: one line an event, for a collector that reads logs.",
    )
    analytics_queue: int = Field(
        default=20_000, ge=1, description="Events kept while the sink is slow; the oldest go first."
    )
    traces: str = Field(
        default="",
        pattern=r"^(https?://\S+)?$",
        description="Collector for OpenTelemetry traces (OTLP over HTTP, http://host:4318/v1/traces); empty: none.",
    )
    trace_share: float = Field(
        default=0.01, ge=0, le=1, description="Share of calls traced that come without a trace context of their own."
    )

    def port(self, base: int) -> int:
        """The port that `base` becomes under the offset."""
        return base + self.port_offset

    @property
    def hub(self) -> str:
        """Address of the event hub, without a slash at the end."""
        base = self.control_plane_url or f"http://127.0.0.1:{self.port(9763)}"
        return f"{base.rstrip('/')}/internal/eventhub/v1"

    @property
    def redis(self) -> str:
        """Redis in use, given or embedded."""
        return self.redis_url or f"redis://127.0.0.1:{self.port(6390)}/0"

    @property
    def tls_port(self) -> int:
        """The listening port that speaks TLS."""
        return self.https_port or self.port(8243)

    @property
    def certificate(self) -> Path:
        """Certificate chain in use."""
        return self.tls_certificate or self.var / "secrets" / "tls.crt"

    @property
    def private_key(self) -> Path:
        """Private key in use."""
        return self.tls_key or self.var / "secrets" / "tls.key"

    @property
    def disk_copy(self) -> Path:
        """File that holds the newest records of this environment."""
        return self.var / "gateway" / f"{self.environment}.json"

    @property
    def shown_name(self) -> str:
        """Name in reports."""
        return self.name or socket.gethostname()

    def secret(self) -> str:
        """The cluster secret; empty when neither variable nor file exists (yet)."""
        path = self.var / "secrets" / "cluster"
        if self.cluster_secret:
            return self.cluster_secret
        return path.read_text().strip() if path.is_file() else ""
