"""Which API a call is for, by virtual host and path. Where no API has hosts and no organisation a domain, hosts cost nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.stages.route import Contexts, Match
from wire.exchange import Exchange

if TYPE_CHECKING:
    from gateway.compile import CompiledApi

Find = Callable[[bytes, Exchange], "Match[CompiledApi] | None"]
"""From a raw path and its call to the API and where its context ends in that path."""

EVERY = b""
"""Stands for all hosts in an API's places."""


class Routes:
    """The contexts that answer on every host, those of single hosts, and the hosts that stand for an organisation's prefix."""

    __slots__ = ("common", "hosts", "prefixes")

    def __init__(
        self,
        common: Contexts[CompiledApi] | None = None,
        hosts: dict[bytes, Contexts[CompiledApi]] | None = None,
        prefixes: dict[bytes, bytes] | None = None,
    ) -> None:
        self.common: Contexts[CompiledApi] = common if common is not None else Contexts()
        self.hosts = hosts if hosts is not None else {}
        self.prefixes = prefixes if prefixes is not None else {}

    def copy(self) -> Routes:
        """The same routes, to be changed aside."""
        hosts = {host: Contexts(dict(known.nodes)) for host, known in self.hosts.items()}
        return Routes(Contexts(dict(self.common.nodes)), hosts, self.prefixes)

    def finder(self) -> Find:
        """What a worker asks for each call: hosts cost nothing until one matters."""
        return self.by_host if self.hosts or self.prefixes else self.common.find

    def by_host(self, path: bytes, exchange: Exchange) -> Match[CompiledApi] | None:
        """The API with the longest context on the call's host; on an organisation's own domain its prefix goes without saying."""
        host = named_host(exchange.host)
        prefix = self.prefixes.get(host, b"")
        if prefix and path != prefix and not path.startswith(prefix + b"/"):
            path = prefix + path
        else:
            prefix = b""
        found = self.common.find(path)
        own = self.hosts.get(host)
        if own is not None:
            mine = own.find(path)
            if mine is not None and (found is None or mine.cut >= found.cut):
                found = mine
        if not prefix or found is None:
            return found
        return Match(found.api, found.cut - len(prefix)) if found.cut > len(prefix) else None

    def holder(self, host: bytes, context: bytes) -> CompiledApi | None:
        """The API that has a context on a host (EVERY: on all)."""
        table = self.common if host == EVERY else self.hosts.get(host)
        return table.nodes.get(context) if table is not None else None

    def add(self, context: bytes, api: CompiledApi, host: bytes = EVERY) -> None:
        """Gives a context on a host to an API."""
        table = self.common if host == EVERY else self.hosts.setdefault(host, Contexts())
        table.add(context, api)

    def remove(self, context: bytes, host: bytes = EVERY) -> None:
        """Takes a context on a host away; a host without APIs is forgotten."""
        table = self.common if host == EVERY else self.hosts.get(host)
        if table is None:
            return
        table.remove(context)
        if host != EVERY and not any(api is not None for api in table.nodes.values()):
            del self.hosts[host]

    def find(self, path: bytes) -> Match[CompiledApi] | None:
        """The API of a path on a host that has no routes of its own."""
        return self.common.find(path)


def places(api: CompiledApi) -> list[tuple[bytes, bytes]]:
    """Where an API answers: pairs of host (EVERY: all) and context."""
    hosts = [named_host(host.encode()) for host in api.record.hosts] or [EVERY]
    return [(host, context) for host in hosts for context in api.contexts]


def named_host(header: bytes) -> bytes:
    """The host of a Host header: lower case, without port and dot at the end. Of several, what the nearest proxy wrote."""
    host = header.rpartition(b",")[2].strip().lower()
    if host.startswith(b"["):
        return host.partition(b"]")[0] + b"]"
    return host.partition(b":")[0].rstrip(b".")
