"""Virtual hosts of gateway environments: which a deployment may choose, what gateways are told, which addresses people see."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from apim.accounts.models import SUPER_TENANT
from publisher.models import GatewayEnvironment

ANY = "localhost"
"""The virtual host that stands for every one; what a deployment has that chose none."""


@dataclass(frozen=True)
class VirtualHost:
    """One host with the ports and the path under which a proxy offers the gateways there."""

    host: str
    http_port: int = 80
    https_port: int = 443
    context: str = ""
    ws_port: int = 9099
    wss_port: int = 8099

    @property
    def http(self) -> str:
        """Its http address, without a slash at the end."""
        return f"http://{self.host}{'' if self.http_port == 80 else f':{self.http_port}'}{self.context}"

    @property
    def https(self) -> str:
        """Its https address, without a slash at the end."""
        return f"https://{self.host}{'' if self.https_port == 443 else f':{self.https_port}'}{self.context}"


def usual(environment: GatewayEnvironment) -> VirtualHost:
    """The host of the environment's own addresses: APIs deployed to it answer on every host."""
    http, https = urlsplit(environment.http_url), urlsplit(environment.https_url)
    return VirtualHost(https.hostname or ANY, http.port or 80, https.port or 443, https.path.rstrip("/"))


def virtual_hosts(environment: GatewayEnvironment) -> list[VirtualHost]:
    """The usual host and those that an administrator added."""
    own = usual(environment)
    return [own, *(one for one in (VirtualHost(**row) for row in environment.vhosts) if one.host != own.host)]


def restricting(environment: GatewayEnvironment, vhost: str) -> tuple[str, ...]:
    """The hosts that gateways let an API with this virtual host answer on; none for every host."""
    return () if vhost in (ANY, usual(environment).host) else (vhost,)


def bases(environment: GatewayEnvironment, vhost: str) -> dict[str, str]:
    """The `http` and `https` address below which an API deployed to `vhost` is reached."""
    found = next((one for one in virtual_hosts(environment)[1:] if one.host == vhost), None)
    if found is not None:
        return {"http": found.http, "https": found.https}
    return {"http": environment.http_url.rstrip("/"), "https": environment.https_url.rstrip("/")}


def platform_gateways() -> dict[str, str]:
    """Name → http address of the environments that the platform's administrators made. What tenants write is no place to
    send the cluster secret to."""
    rows = GatewayEnvironment.objects.filter(organisation__domain=SUPER_TENANT)
    return dict(rows.values_list("name", "http_url"))
