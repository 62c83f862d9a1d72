"""`[analytics]` of deployment.toml: whether analytics records are written, of what, what marks their lines (reference 7.3)."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from integrator.engine.errors import DeploymentError, Place

PREFIX = "SYNAPSE_ANALYTICS_DATA"
LONGEST_PREFIX = 100
KINDS = {
    "api_analytics": "API",
    "proxy_service_analytics": "ProxyService",
    "sequence_analytics": "SequenceMediator",
    "endpoint_analytics": "Endpoint",
    "inbound_endpoint_analytics": "InboundEndpoint",
}
"""Tables that switch one kind of artifact off → how records name the kind."""


@dataclass(frozen=True)
class Analytics:
    """What is on: kinds of artifacts, the word before each record, and what each tells of this server."""

    prefix: str
    kinds: frozenset[str]
    server: dict[str, str]


def read_analytics(tables: dict[str, Any], hostname: str, address: Callable[[], str]) -> Analytics | None:
    """The analytics of a configuration; None when they are off. Raises DeploymentError naming key, value and what is allowed."""
    table = tables.get("analytics", {})
    if not isinstance(table, dict):
        raise _wrong("analytics", table, "a table is expected")
    if not _flag(table, "enabled", "enabled", False):
        return None
    publisher = table.get("publisher", "log")
    if publisher != "log":
        raise _wrong("publisher", publisher, "allowed is log; databridge speaks to a Java server only")
    prefix, identity = table.get("prefix", PREFIX), table.get("id", hostname)
    for key, value in (("prefix", prefix), ("id", identity)):
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_PREFIX or not value.isprintable():
            raise _wrong(key, value, f"a text of one line, 1 to {LONGEST_PREFIX} characters, is expected")
    kinds = frozenset(kind for key, kind in KINDS.items() if _kind(table, key))
    server = {"hostname": socket.gethostname(), "serverName": hostname, "ipAddress": address(), "id": identity}
    return Analytics(prefix, kinds, server)


def _kind(table: dict[str, Any], key: str) -> bool:
    inner = table.get(key, {})
    if not isinstance(inner, dict):
        raise _wrong(key, inner, f"write {key}.enabled = true or false")
    return _flag(inner, "enabled", f"{key}.enabled", True)


def _flag(table: dict[str, Any], key: str, name: str, default: bool) -> bool:
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise _wrong(name, value, "allowed are true and false")
    return value


def _wrong(key: str, value: object, allowed: str) -> DeploymentError:
    return DeploymentError(Place("conf/deployment.toml", element="analytics"), f"{key}={value!r}: {allowed}")
