"""Every setting of the control plane, declared once; the reference page and the start-up checks come from here.

Environment variables carry the prefix `APIM_`, except for the customary `DATABASE_URL` and `REDIS_URL`.
"""

from __future__ import annotations

from functools import cached_property
from ipaddress import ip_network
from pathlib import Path

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Config(BaseSettings):
    """Settings of control plane, worker, beat and `up`."""

    model_config = SettingsConfigDict(env_prefix="APIM_", env_ignore_empty=True, extra="ignore")

    var: Path = Field(
        default=ROOT / "var", description="Folder that holds all state: database, keys, logs, disk copies."
    )
    port_offset: int = Field(default=0, ge=0, le=55000, description="Added to every port of every process.")
    host: str = Field(default="0.0.0.0", description="Address on which control plane and data planes listen.")  # noqa: S104
    workers: int = Field(default=1, ge=1, le=64, description="Worker processes of the gateway.")
    public_url: str = Field(
        default="", description="Outside address of the control plane; default https://localhost:9443."
    )
    gateway_url: str = Field(
        default="", description="Outside https address of the gateway; default https://localhost:8243."
    )
    gateway_http_url: str = Field(
        default="", description="Outside http address of the gateway; default http://localhost:8280."
    )
    integrator_url: str = Field(default="", description="Address of the integrator; default http://localhost:8290.")
    database_url: str = Field(
        default="",
        validation_alias=AliasChoices("DATABASE_URL", "APIM_DATABASE_URL"),
        description="Database as a URL (postgres://user:password@host/name); default SQLite below var.",
    )
    redis_url: str = Field(
        default="",
        validation_alias=AliasChoices("REDIS_URL", "APIM_REDIS_URL"),
        description="Redis as a URL; default an embedded server on port 6390 + offset.",
    )
    allowed_hosts: str = Field(default="", description="Further host names the control plane answers to, by comma.")
    cluster_secret: str = Field(default="", description="Secret that data planes show to the control plane; generated.")
    admin_password: str = Field(default="", description="Password of the first administrator; generated when empty.")
    integrator_password: str = Field(
        default="",
        validation_alias=AliasChoices("SERVICE_CATALOG_PASSWORD", "APIM_INTEGRATOR_PASSWORD"),
        description="Password of the account with which the integrator registers its services; generated when empty.",
    )
    sample: bool = Field(default=True, description="Load the order-processing sample on first start.")
    debug: bool = Field(default=False, description="Django's debug pages. Never on a reachable machine.")
    log_format: str = Field(
        default="json", pattern="^(json|console)$", description="json for machines, console for people."
    )
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level logged.")
    websub_networks: str = Field(
        default="",
        description="Networks (CIDR, by comma) that WebSub callbacks may lie in besides public addresses, as 10.0.0.0/8.",
    )
    websub_algorithm: str = Field(
        default="sha256",
        pattern="^(sha1|sha256|sha384|sha512)$",
        description="How deliveries to WebSub callbacks are signed (X-Hub-Signature); the original uses sha1.",
    )
    websub_lease: int = Field(
        default=864_000,
        ge=1,
        description="Seconds that a WebSub subscription lasts when it asks for no time of its own.",
    )
    websub_longest_lease: int = Field(
        default=31_536_000, ge=1, description="Longest lease a WebSub subscriber may ask for, seconds."
    )
    websub_attempts: int = Field(
        default=8, ge=1, le=30, description="Attempts at a WebSub delivery before it is given up."
    )
    websub_retry: int = Field(
        default=10,
        ge=1,
        description="Seconds until the second attempt at a WebSub delivery; then twice as long each time.",
    )
    mail_host: str = Field(
        default="", description="Mail server (SMTP). Empty: mails are files in the folder mail below var."
    )
    mail_port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    mail_security: str = Field(
        default="starttls", pattern="^(none|starttls|tls)$", description="How the way to the mail server is protected."
    )
    mail_user: str = Field(default="", description="User name at the mail server; empty: none is shown.")
    mail_password: str = Field(default="", description="Password at the mail server.")
    mail_from: str = Field(default="apim@localhost", description="Sender of the platform's mails.")
    token_lifetime: int = Field(default=3600, ge=1, description="Validity of access tokens, seconds.")

    token_algorithm: str = Field(
        default="RS256",
        pattern="^(RS256|ES256)$",
        description="How tokens are signed; a key of that kind is made when needed.",
    )
    client_ca: str = Field(
        default="",
        description="File of certificates (PEM) that may issue client certificates: the https port then asks for one.",
    )
    client_certificate_header: str = Field(
        default="", description="Header in which a trusted proxy tells the client's certificate, e.g. X-Client-Cert."
    )
    trusted_proxies: str = Field(
        default="", description="Networks (CIDR, by comma) of proxies whose client certificate header is believed."
    )
    introspection_url: str = Field(
        default="",
        description="Where gateways ask about opaque tokens; default http://localhost:9763/oauth2/introspect.",
    )
    integrator_networks: str = Field(
        default="",
        description="Networks (CIDR, by comma) in which the dashboard may ask integrators besides public addresses.",
    )
    key_manager_networks: str = Field(
        default="",
        description="Networks (CIDR, by comma) in which the control plane may call key managers besides public addresses.",
    )
    key_manager_ca: Path | None = Field(
        default=None,
        description="Authorities (PEM) that key managers' certificates may be of, instead of the system's.",
    )

    fetch_inner: bool = Field(
        default=False, description="Fetch definitions that people import by address from inner networks as well."
    )

    @field_validator("var")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("websub_networks", "integrator_networks", "key_manager_networks", "trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for part in filter(None, (part.strip() for part in value.split(","))):
            ip_network(part, strict=False)
        return value

    def port(self, base: int) -> int:
        """The port that `base` becomes under the offset."""
        return base + self.port_offset

    @cached_property
    def secrets(self) -> Path:
        """Folder of generated keys and secrets."""
        return self.var / "secrets"

    @property
    def public(self) -> str:
        """Outside address of the control plane, without a slash at the end."""
        return (self.public_url or f"https://localhost:{self.port(9443)}").rstrip("/")

    @property
    def introspection(self) -> str:
        """Address at which gateways ask about our opaque tokens."""
        return self.introspection_url or f"http://localhost:{self.port(9763)}/oauth2/introspect"

    @property
    def gateway(self) -> str:
        """Outside https address of the default gateway."""
        return (self.gateway_url or f"https://localhost:{self.port(8243)}").rstrip("/")

    @property
    def gateway_http(self) -> str:
        """Outside http address of the default gateway."""
        return (self.gateway_http_url or f"http://localhost:{self.port(8280)}").rstrip("/")

    @property
    def integrator(self) -> str:
        """Address of the integrator's http listener."""
        return (self.integrator_url or f"http://localhost:{self.port(8290)}").rstrip("/")

    @property
    def redis(self) -> str:
        """Redis in use, given or embedded (whose password `up` has put below var)."""
        if self.redis_url:
            return self.redis_url
        path = self.secrets / "redis"
        password = f":{path.read_text().strip()}@" if path.exists() else ""
        return f"redis://{password}127.0.0.1:{self.port(6390)}/0"

    @property
    def database(self) -> str:
        """Database in use, given or SQLite."""
        return self.database_url or f"sqlite:///{self.var / 'apim.sqlite3'}"


def load() -> Config:
    """The settings of this process. A wrong one ends it with a sentence that names it."""
    try:
        return Config()
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])).upper()}={e['input']!r}: {e['msg']}" for e in error.errors())
        raise SystemExit(f"A setting is wrong (APIM_ is put before its name): {wrong}.") from error


config = load()
