"""Addresses and ranges as people write them in conditions and deny policies."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address


@lru_cache(maxsize=8192)
def parsed(text: str) -> Address | None:
    """The address in `text`, IPv4 also when it was written as IPv6; None when there is none."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def address(text: str) -> Address:
    """The address in `text`. Raises ValueError."""
    found = parsed(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not an IPv4 or IPv6 address")
    return found


def span(first: str, last: str = "") -> tuple[Address, Address]:
    """First and last address of a range: two addresses, `first-last` or CIDR. Raises ValueError."""
    if not last and "/" in first:
        network = ip_network(first.strip(), strict=False)
        return network[0], network[-1]
    if not last:
        first, _, last = first.partition("-")
    low, high = address(first), address(last)
    if low.version != high.version:
        raise ValueError(f"{first!r} and {last!r} are of two kinds of addresses")
    if int(low) > int(high):
        raise ValueError(f"the range begins at {first!r}, after its end {last!r}")
    return low, high


def in_span(low: Address, high: Address) -> Callable[[Address], bool]:
    """Whether an address lies in a range; one of the other kind never does."""
    version, first, last = low.version, int(low), int(high)
    return lambda one: one.version == version and first <= int(one) <= last
