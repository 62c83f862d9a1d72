"""Reads the WS-Policy of a throttle mediator (reference 3.2)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from integrator.engine.mediators.base import Element, Reader
from integrator.engine.xmltools import child, children, local, namespace, text_of

THROTTLE = "http://www.wso2.org/products/wso2commons/throttle"
ROOT = "MediatorThrottleAssertion"
ROOTS = (ROOT, "ThrottleAssertion")
"""The second is the name that old policies use."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Control:
    """So many requests in a unit of time, then closed for the prohibit time (0: for the rest of the unit)."""

    maximum: int
    unit_s: float
    prohibit_s: float


@dataclass(frozen=True)
class Rule:
    """One ID and what it gets: `access` True (Allow) or False (Deny), or a control."""

    name: str
    access: bool | None = None
    control: Control | None = None


@dataclass(frozen=True)
class Policy:
    """Rules by domain and by address. `concurrent` 0 means no bound."""

    concurrent: int
    domains: dict[str, Rule]
    other_domain: Rule | None
    addresses: dict[Address, Rule]
    ranges: tuple[tuple[Address, Address, Rule], ...]
    other_address: Rule | None

    def rule(self, host: str, address: str) -> Rule | None:
        """The rule of a caller: by domain first, then by address."""
        return self._of_domain(host) or self._of_address(address)

    def _of_domain(self, host: str) -> Rule | None:
        if not self.domains and self.other_domain is None:
            return None
        found = self.domains.get(host)
        rest = host
        while found is None and "." in rest:
            rest = rest.partition(".")[2]
            found = self.domains.get(f"*.{rest}")
        return found or self.other_domain

    def _of_address(self, text: str) -> Rule | None:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return self.other_address
        found = self.addresses.get(address)
        if found is not None:
            return found
        for low, high, rule in self.ranges:
            if low.version == address.version and int(low) <= int(address) <= int(high):
                return rule
        return self.other_address


def read_policy(root: Element, reader: Reader) -> Policy:
    """The policy element. Raises DeploymentError."""
    assertion = next((item for item in (root, *children(root)) if local(item) in ROOTS), None)
    if assertion is None or namespace(assertion) != THROTTLE:
        raise reader.fail(root, f"child <{ROOT}> of {THROTTLE} is required")
    domains: dict[str, Rule] = {}
    addresses: dict[Address, Rule] = {}
    ranges: list[tuple[Address, Address, Rule]] = []
    others: dict[str, Rule] = {}
    concurrent = 0
    for item in children(assertion):
        if local(item) == "MaximumConcurrentAccess":
            concurrent = number(item, reader)
            continue
        if local(item) != "Policy":
            raise reader.fail(
                item, f"element <{local(item)}> is not allowed; allowed are MaximumConcurrentAccess, Policy"
            )
        kind, name = _identity(item, reader)
        rule = read_rule(item, name, reader)
        if name.lower() == "other":
            others[kind] = rule
        elif kind == "DOMAIN":
            domains[name.lower()] = rule
        else:
            low, dash, high = name.partition("-")
            first = _address(item, low, reader)
            if dash:
                ranges.append((first, _address(item, high, reader), rule))
            else:
                addresses[first] = rule
    return Policy(concurrent, domains, others.get("DOMAIN"), addresses, tuple(ranges), others.get("IP"))


def _identity(item: Element, reader: Reader) -> tuple[str, str]:
    identity = child(item, "ID")
    name = text_of(identity)
    if identity is None or not name:
        raise reader.fail(item, "child <ID> with an address, a domain or other is required")
    kind = (identity.get(f"{{{THROTTLE}}}type") or identity.get("type") or "").upper()
    if kind not in ("IP", "DOMAIN"):
        raise reader.fail(identity, f"attribute type={kind!r}: allowed are IP, DOMAIN")
    return kind, name


def _address(item: Element, text: str, reader: Reader) -> Address:
    try:
        return ipaddress.ip_address(text.strip())
    except ValueError as error:
        raise reader.fail(item, f"ID {text.strip()!r}: an address, a range a-b or other is expected") from error


def read_rule(item: Element, name: str, reader: Reader) -> Rule:
    """Allow, Deny or Control in the nested policy."""
    nested = child(item, "Policy")
    found = (
        [part for part in children(nested) if local(part) in ("Allow", "Deny", "Control")] if nested is not None else []
    )
    if len(found) != 1:
        raise reader.fail(item, f"ID {name!r}: exactly one of Allow, Deny, Control is expected")
    kind = local(found[0])
    if kind != "Control":
        return Rule(name, access=kind == "Allow")
    values = child(found[0], "Policy")
    parts = {local(part): part for part in children(values if values is not None else found[0])}
    for required in ("MaximumCount", "UnitTime"):
        if required not in parts:
            raise reader.fail(found[0], f"child <{required}> is required")
    prohibit = parts.get("ProhibitTimePeriod")
    return Rule(
        name,
        control=Control(
            number(parts["MaximumCount"], reader),
            number(parts["UnitTime"], reader) / 1000,
            number(prohibit, reader) / 1000 if prohibit is not None else 0.0,
        ),
    )


def number(element: Element, reader: Reader) -> int:
    """The whole number, 0 or more, in an element."""
    value = reader.integer(element, text_of(element), "text", 0)
    if value < 0:
        raise reader.fail(element, f"text {value}: 0 or more is expected")
    return value
