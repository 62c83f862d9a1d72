"""What a caller's connection says about somebody behind it, believed from trusted proxies only."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wire.exchange import Exchange

Network = IPv4Network | IPv6Network

FORWARDED = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port"}
)
"""Headers in which proxies tell about their callers. None is passed on as it came."""

ENTRIES = 32
"""Entries of one `x-forwarded-for` that are looked at."""


def networks(text: str) -> tuple[Network, ...]:
    """The networks of a list like "10.0.0.0/8, ::1". Raises ValueError naming the entry that is no address or CIDR network."""
    return tuple(ip_network(entry.strip(), strict=False) for entry in text.split(",") if entry.strip())


class Proxies:
    """The proxies in front of a server."""

    def __init__(self, trusted: Iterable[Network] = ()) -> None:
        self.trusted = tuple(trusted)

    def trusts(self, address: str) -> bool:
        """Whether what comes from this address is believed. Asked once per connection."""
        if not self.trusted:
            return False
        known = _address(address)
        return known is not None and any(known in network for network in self.trusted)

    def caller(self, exchange: Exchange) -> str:
        """The address of the caller behind trusted proxies: the last entry that is not one of them.

        Entries before it were written by strangers. Without a usable entry it is the socket's.
        """
        told = exchange.fields.get(b"x-forwarded-for")
        nearest = exchange.client[0]
        if told is None:
            return nearest
        for entry in reversed(told.decode("latin-1").split(",")[-ENTRIES:]):
            known = _address(_without_port(entry.strip()))
            if known is None:
                return nearest
            nearest = str(known)
            if not any(known in network for network in self.trusted):
                return nearest
        return nearest


def told_scheme(exchange: Exchange) -> str | None:
    """ "http" or "https" as the trusted proxy says, None when it does not."""
    told = exchange.fields.get(b"x-forwarded-proto")
    if told is None:
        return None
    last = told.rpartition(b",")[2].strip().lower()
    return {b"http": "http", b"https": "https"}.get(last)


def lines_behind(exchange: Exchange) -> bytes:
    """The forwarding header lines for a backend when the caller is a trusted proxy: its own account, and its address added."""
    fields = exchange.fields
    address = exchange.client[0].encode()
    known = fields.get(b"x-forwarded-for")
    lines = b"x-forwarded-for: %b\r\nx-forwarded-proto: %b\r\n" % (
        address if known is None else b"%b, %b" % (known, address),
        exchange.scheme.encode(),
    )
    host = fields.get(b"x-forwarded-host")
    return lines if host is None else b"%bx-forwarded-host: %b\r\n" % (lines, host)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _without_port(entry: str) -> str:
    """`192.0.2.1:80` and `[2001:db8::1]:80` without port and brackets."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry
