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
    standalone: Path | None = Field(
        default=None,
        description="File or folder of APIs to serve without a control plane (docs/gateway-standalone.md).",
    )
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
    rate_limit_headers: bool = Field(
        default=False, description="Tell callers in ratelimit-limit, -remaining and -reset what they may still use."
    )
    token_cache: int = Field(
        default=50_000, ge=1, description="Verified tokens remembered for each organisation in a worker."
    )
    introspection_seconds: float = Field(
        default=60.0,
        ge=1,
        le=3600,
        description="Longest time for which an issuer's answer about an opaque token is believed.",
    )
    basic_seconds: float = Field(
        default=30.0, ge=1, le=900, description="Time for which a user name and password count without asking again."
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses and ranges (by comma) of proxies whose x-forwarded-for and client certificates are believed.",
    )
    client_ca: Path | None = Field(
        default=None,
        description="Authorities (PEM) of client certificates that callers may show, besides those uploaded for APIs.",
    )
    client_certificates: str = Field(
        default="known",
        pattern=r"^(\d+=)?(none|known|any|required|required-any)(,\d+=(none|known|any|required|required-any))*$",
        description="What TLS callers are asked for: none; known: those uploaded for APIs or signed by client_ca, when there are"
        " any; any: any certificate, the API decides; required or required-any: the same, and nobody comes in without."
        " Other modes for single ports behind it: known,8244=required.",
    )
    tls_ports_extra: str = Field(
        default="",
        validation_alias=AliasChoices("GATEWAY_TLS_PORTS", "tls_ports_extra"),
        pattern=r"^(\d{1,5}(,\d{1,5})*)?$",
        description="Further listening ports that speak TLS (by comma), as with client_certificates of their own.",
    )
    tls_folder: Path | None = Field(
        default=None,
        description="Folder of further certificates, NAME.crt with NAME.key (PEM) each, taken by the host name that a caller"
        " asks for; default var/secrets/tls.d. Changes in it and in the others are taken in without a restart.",
    )
    http2: bool = Field(default=True, description="Offer HTTP/2 to callers over TLS, beside HTTP/1.1.")
    max_connections: int = Field(
        default=0,
        ge=0,
        description="Callers' connections a worker holds at most, more are answered with 503; 0: two thirds of its open files.",
    )
    backend_jwt: bool = Field(default=False, description="Tell backends who calls, in a JWT signed by the gateway.")
    backend_jwt_header: str = Field(
        default="X-JWT-Assertion", pattern=r"^[A-Za-z0-9-]{1,60}$", description="Header that carries it."
    )
    backend_jwt_dialect: str = Field(
        default="http://wso2.org/claims", description="What stands before the name of each of its claims."
    )
    backend_jwt_seconds: int = Field(default=900, ge=30, le=86_400, description="How long one is valid.")
    backend_jwt_key: Path | None = Field(
        default=None,
        description="RSA key (PEM) that signs it; default var/secrets/gateway-jwt.pem, made by the control plane.",
    )
    access_log: float = Field(default=0.0, ge=0, le=1, description="Share of calls in the access log: 0 none, 1 all.")
    refusal_log_per_second: int = Field(
        default=100, ge=0, description="Refused calls logged a second; more are only counted."
    )
    correlation_log: bool = Field(default=False, description="Log for each call where its time went.")
    policy_body: int = Field(
        default=10 * 1024 * 1024, ge=1024, description="Bytes of a request or answer that a policy may read."
    )
    policy_seconds: float = Field(default=30.0, gt=0, description="Seconds that one custom policy may take for a call.")
    cache_entries: int = Field(default=10_000, ge=1, description="Answers that response caching keeps in a worker.")
    cache_bytes: int = Field(
        default=64 * 1024 * 1024, ge=1024, description="Bytes that response caching keeps in a worker."
    )
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

    websocket_secure_port: int = Field(
        default=0, ge=0, le=65535, description="Further listening port that speaks TLS, for wss; default 8099 + offset."
    )
    websub_secure_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Further listening port that speaks TLS, for WebSub; default 8021 + offset.",
    )
    websocket_frame_bytes: int = Field(
        default=1_048_576,
        ge=125,
        description="Largest WebSocket frame, bytes; longer ones close the connection (1009).",
    )
    websocket_message_bytes: int = Field(
        default=16_777_216, ge=125, description="Largest WebSocket message of several frames, bytes."
    )
    websocket_idle_seconds: float = Field(
        default=300.0, ge=0, description="A WebSocket without any frame for so long is closed; 0: never."
    )
    sse_idle_seconds: float = Field(
        default=300.0, gt=0, description="Longest silence between two server-sent events before the stream is cut."
    )
    websub_event_bytes: int = Field(
        default=1_048_576, ge=1, description="Largest event a WebSub publisher may send, bytes."
    )

    graphql_body: int = Field(
        default=1024 * 1024, ge=1, description="Longest body of a GraphQL request, bytes; more is 413."
    )
    graphql_tokens: int = Field(
        default=5_000, ge=10, le=20_000, description="Most tokens of a GraphQL document; more is 422."
    )
    graphql_documents: int = Field(
        default=500, ge=1, description="Parsed GraphQL documents that a worker remembers for each API."
    )

    def port(self, base: int) -> int:
        """The port that `base` becomes under the offset."""
        return base + self.port_offset

    @property
    def control_plane(self) -> str:
        """Address of the control plane, without a slash at the end."""
        return (self.control_plane_url or f"http://127.0.0.1:{self.port(9763)}").rstrip("/")

    @property
    def hub(self) -> str:
        """Address of the event hub, without a slash at the end."""
        return f"{self.control_plane}/internal/eventhub/v1"

    @property
    def people(self) -> str:
        """Where the control plane checks user names and passwords."""
        return f"{self.control_plane}/internal/keymanager/v1/people"

    @property
    def assertion_key(self) -> Path:
        """Key of the backends' JWTs in use."""
        return self.backend_jwt_key or self.var / "secrets" / "gateway-jwt.pem"

    @property
    def websub_hub(self) -> str:
        """Address of the control plane's WebSub hub, without a slash at the end."""
        return f"{self.hub.removesuffix('/internal/eventhub/v1')}/internal/websub/v1"

    @property
    def redis(self) -> str:
        """Redis in use, given or embedded."""
        return self.redis_url or f"redis://127.0.0.1:{self.port(6390)}/0"

    @property
    def shares_limits(self) -> bool:
        """Whether limits are counted together with others: a standalone gateway has a Redis only when one is named."""
        return self.standalone is None or bool(self.redis_url)

    @property
    def tls_port(self) -> int:
        """The listening port that speaks TLS."""
        return self.https_port or self.port(8243)

    @property
    def tls_ports(self) -> frozenset[int]:
        """Every listening port that speaks TLS."""
        websocket = self.websocket_secure_port or self.port(8099)
        further = map(int, filter(None, self.tls_ports_extra.split(",")))
        return frozenset({self.tls_port, websocket, self.websub_secure_port or self.port(8021), *further})

    def client_mode(self, port: int) -> str:
        """What callers of a TLS port are asked for: a word of client_certificates."""
        found = dict(part.rpartition("=")[::2] for part in self.client_certificates.split(","))
        return found.get(str(port)) or found.get("") or "known"

    @property
    def further_certificates(self) -> Path:
        """The folder of certificates by host name."""
        return self.tls_folder or self.var / "secrets" / "tls.d"

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
