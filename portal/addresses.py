"""Where an API is reached: the addresses of each gateway environment that runs it."""

from __future__ import annotations

from dataclasses import dataclass

from publisher.checks.identity import full_path
from publisher.models import Api, Deployment
from publisher.vhosts import bases

_BELOW = {"ws": "http", "wss": "https"}
"""Transport of a WebSocket API → that of the connection below it, on the same ports."""


@dataclass(frozen=True)
class Address:
    """The addresses of one API in one environment; those of the default version are empty for other versions."""

    environment: str
    display_name: str
    kind: str
    http: str
    https: str
    default_http: str = ""
    default_https: str = ""

    @property
    def urls(self) -> list[str]:
        """Addresses in use, https first."""
        return [url for url in (self.https, self.http) if url]

    @property
    def default_urls(self) -> list[str]:
        """Addresses without version, https first."""
        return [url for url in (self.default_https, self.default_http) if url]


def versioned(api: Api) -> str:
    """The context with version and tenant prefix, as gateways route it."""
    return api.organisation.prefix + full_path(api.context, api.version)


def unversioned(api: Api) -> str:
    """The context that leads to the default version."""
    return api.organisation.prefix + api.context.replace("/{version}", "").replace("{version}", "")


def addresses(api: Api) -> list[Address]:
    """One entry for each environment that runs the API and is shown in the portal; one query."""
    shown = api.deployments.filter(displayed=True).select_related("environment")
    return [_address(api, deployment) for deployment in shown]


def _address(api: Api, deployment: Deployment) -> Address:
    place = deployment.environment
    base = bases(place, deployment.vhost)
    open_ = [_BELOW.get(transport, transport) for transport in api.transports or ["http", "https"]]
    if api.kind == "WS":
        base = {name: url.replace("http", "ws", 1) for name, url in base.items()}
    urls = {name: url + versioned(api) if name in open_ and url else "" for name, url in base.items()}
    if api.is_default_version:
        urls |= {f"default_{n}": u + unversioned(api) if n in open_ and u else "" for n, u in base.items()}
    return Address(environment=place.name, display_name=str(place), kind=place.kind, **urls)
