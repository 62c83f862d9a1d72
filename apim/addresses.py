"""Where calls to addresses that somebody typed in may go.

A name is looked up once, every address it has must be allowed by the caller's rule, and the caller connects to exactly the one
that `resolved` gives: neither a name that leads to an inner address nor one that changes its mind leads us elsewhere.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PORTS = {"http": 80, "https": 443}
LONGEST = 2000
NAT64 = ip_network("64:ff9b::/96")
INNER = (ip_network("192.0.0.0/24"),)
"""What the standard library of some versions of Python takes for public, and is not."""
CREDENTIALS = tuple(map(ip_address, ("192.0.0.192", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254")))
"""Where clouds hand credentials to their own machines, besides link-local addresses."""


class BadAddress(ValueError):
    """The text is no address that can be called; says why, without what a user name could hold."""


class NotCalled(Exception):
    """A host that is not called; the text says why."""


class UnknownHost(NotCalled):
    """The name has no address."""


class Forbidden(NotCalled):
    """One of the addresses of the host is not allowed."""


@dataclass(frozen=True)
class Rule:
    """Which addresses may be called, and what is said of the others, after "host is at address, "."""

    allows: Callable[[Address], bool]
    otherwise: str


def parsed(url: str, form: str = "https://host/path") -> SplitResult:
    """The parts of an http or https address; looks no name up. Raises BadAddress; `form` is how one looks."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadAddress(f"{url[:200]!r} is not an address: {error}.") from error
    if "@" in parts.netloc or parts.fragment:
        raise BadAddress("An address must hold no user name and no fragment.")
    plain = url.isascii() and url.isprintable() and not set(url) & set(" \\")
    if parts.scheme not in PORTS or not parts.hostname or port == 0 or len(url) > LONGEST or not plain:
        raise BadAddress(f"{url[:200]!r} is not an address of the form {form}.")
    return parts


def port_of(parts: SplitResult) -> int:
    """The port that an address of PORTS' schemes names or means."""
    return parts.port or PORTS[parts.scheme]


def resolved(host: str, port: int, rule: Rule) -> str:
    """The address to connect to. Raises UnknownHost, or Forbidden when one of the host's addresses is not allowed."""
    found = looked_up(host, port)
    for address in found:
        if not rule.allows(reached(address)):
            raise Forbidden(f"{host} is at {address}, {rule.otherwise}")
    return found[0]


def looked_up(host: str, port: int) -> list[str]:
    """The addresses of a host, the preferred one first. Raises UnknownHost."""
    try:
        return [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise UnknownHost(f"The host {host!r} is not known.") from error


def reached(address: str) -> Address:
    """Where a connection to `address` ends: the IPv4 address that an IPv6 address carries, if it carries one."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv4Address):
        return found
    carried = found.ipv4_mapped or found.sixtofour
    if carried is None and found in NAT64:
        carried = IPv4Address(int(found) & 0xFFFFFFFF)
    return carried or found


def networks(named: str) -> list[Network]:
    """The networks of a setting (CIDR, by comma). Raises ValueError for what is none."""
    return [ip_network(part.strip(), strict=False) for part in named.split(",") if part.strip()]


def outside(named: str, setting: str) -> Rule:
    """Public addresses, and those of the networks (CIDR, by comma) named by the setting of that name."""
    also = networks(named)
    return Rule(
        lambda address: public(address) or any(address in network for network in also),
        f"an address of an inner network; such are asked when {setting} names them.",
    )


def public(address: Address) -> bool:
    """Whether an address of anybody on the internet, as far as the address tells."""
    local = address.is_multicast or address.is_reserved or getattr(address, "is_site_local", False)
    return address.is_global and not local and not any(address in network for network in INNER)


def backend(address: Address) -> bool:
    """Whether somebody may have a backend there: not where clouds keep credentials, nor multicast or unspecified ones."""
    odd = address.is_link_local or address.is_multicast or address.is_unspecified
    return not odd and address not in CREDENTIALS


BACKENDS = Rule(backend, "a link-local, multicast or unspecified address, which is not asked.")
"""Inner networks too: backends live there."""
