"""Reads endpoints made of endpoints, of members that come and go, and of classes (reference 4.0, 4.4, 4.5)."""

from __future__ import annotations

import math
from collections.abc import Callable

from integrator.engine.endpoints.base import Endpoint, Property
from integrator.engine.endpoints.custom import Custom
from integrator.engine.endpoints.groups import Failover, LeastConnections, LoadBalance
from integrator.engine.endpoints.membership import (
    REFRESH_S,
    Domain,
    DynamicLoadBalance,
    Handler,
    Membership,
    ServiceLoadBalance,
)
from integrator.engine.endpoints.parse_auth import injected
from integrator.engine.endpoints.recipients import CACHED, Member, RecipientList
from integrator.engine.endpoints.sessions import KINDS as SESSIONS
from integrator.engine.endpoints.sessions import SessionLoadBalance
from integrator.engine.reader import Reader
from integrator.engine.xmltools import Element, child, children, clone, local, text_of

Common = tuple[str, str | None, tuple[Property, ...]]
Read = Callable[[Element, Reader], Endpoint]

ALGORITHMS = {
    "roundrobin": LoadBalance,
    "weightedroundrobin": LoadBalance,
    "weightedrrlcalgorithm": LeastConnections,
    "weightedrrlc": LeastConnections,
}
"""By the last part of the class name, in lower case."""
WEIGHT = "loadbalance.weight"
PORT = 65535


def members_of(element: Element, reader: Reader, read: Read) -> list[Endpoint]:
    """Child endpoints, or members by host and port; not both, and at least one."""
    endpoints = [item for item in children(element) if local(item) == "endpoint"]
    members = [item for item in children(element) if local(item) == "member"]
    if endpoints and members:
        raise reader.fail(element, "either <endpoint> or <member> children are allowed, not both")
    keys = [item.get("key") for item in endpoints if item.get("key")]
    doubled = next((key for key in keys if keys.count(key) > 1), None)
    if doubled is not None:
        raise reader.fail(element, f"endpoint key={doubled!r} is there twice; each may be in a group once")
    if not endpoints and not members:
        raise reader.fail(element, "at least one child <endpoint> is required")
    return [read(item, reader) for item in endpoints] or [_member(item, reader) for item in members]


def _member(item: Element, reader: Reader) -> Endpoint:
    host = injected(item, reader.required(item, "hostName"), reader)
    if not item.get("httpPort") and not item.get("httpsPort"):
        raise reader.fail(item, "attribute 'httpPort' or 'httpsPort' is required")
    ports = [_port(item, name, default, reader) for name, default in (("httpPort", 80), ("httpsPort", 443))]
    return Member(host, *ports)


def _port(item: Element, name: str, default: int, reader: Reader) -> int:
    port = reader.integer(item, injected(item, item.get(name) or "", reader), f"attribute {name}", default)
    if not 0 < port <= PORT:
        raise reader.fail(item, f"attribute {name}='{port}': a port from 1 to {PORT} is expected")
    return port


def failover(read: Read, element: Element, _outer: Element, common: Common, reader: Reader) -> Endpoint:
    """`failover`. buildMessage says what always holds: a retry sends the original."""
    reader.flag(element, "buildMessage", True)
    group = Failover(*common, members_of(element, reader, read))
    group.dynamic = reader.flag(element, "dynamic", True)
    return group


def load_balance(read: Read, element: Element, outer: Element, common: Common, reader: Reader) -> Endpoint:
    """`loadbalance`, with a sibling `session` bound to sessions."""
    reader.flag(element, "buildMessage", True)
    kind, weighted = _algorithm(element, reader)
    weights = _weights(element, reader) if weighted else []
    members = members_of(element, reader, read)
    weights += [1] * (len(members) - len(weights))
    fails_over = reader.flag(element, "failover", True)
    session = child(outer, "session")
    if session is None:
        return kind(*common, members, fails_over, weights)
    group = kind(common[0], None, (), members, fails_over, weights)
    timeout = text_of(child(session, "sessionTimeout"))
    limit = reader.integer(session, timeout, "sessionTimeout", 0) if timeout else None
    return SessionLoadBalance(*common, group, reader.choice(session, "type", tuple(SESSIONS), ""), limit)


def _algorithm(element: Element, reader: Reader) -> tuple[type[LoadBalance], bool]:
    policy, name = element.get("policy"), element.get("algorithm") or ""
    if policy and name:
        raise reader.fail(element, "either algorithm or policy may be given, not both")
    if policy:
        reader.choice(element, "policy", ("roundRobin",), "roundRobin")
    last = name.rpartition(".")[2].lower() or "roundrobin"
    if last not in ALGORITHMS:
        allowed = "RoundRobin, WeightedRoundRobin, WeightedRRLCAlgorithm"
        raise reader.fail(element, f"attribute algorithm={name!r}: allowed are classes {allowed}")
    return ALGORITHMS[last], last.startswith("weighted")


def _weights(element: Element, reader: Reader) -> list[int]:
    found = []
    for item in children(element):
        if local(item) == "endpoint":
            given = next(
                (p.get("value") for p in item.iter() if local(p) == "property" and p.get("name") == WEIGHT), None
            )
            weight = reader.integer(item, given, WEIGHT, 1)
            if not 0 < weight <= 1000:
                raise reader.fail(item, f"{WEIGHT} '{weight}': a number from 1 to 1000 is expected")
            found.append(weight)
    divisor = math.gcd(*found) if found else 1
    return [weight // divisor for weight in found]


def recipients(read: Read, element: Element, _outer: Element, common: Common, reader: Reader) -> Endpoint:
    """`recipientlist`: endpoints, members, or addresses computed for each message."""
    computed = child(element, "endpoints")
    if computed is None:
        return RecipientList(*common, members_of(element, reader, read))
    most = reader.integer(computed, computed.get("max-cache"), "attribute max-cache", CACHED)
    if not 0 <= most <= 10_000:
        raise reader.fail(computed, f"attribute max-cache='{most}': a number from 0 to 10000 is expected")
    return RecipientList(*common, (), reader.value(computed, "value"), most)


def dynamic(_read: Read, element: Element, _outer: Element, common: Common, reader: Reader) -> Endpoint:
    """`dynamicLoadbalance`: members from a Python class; for the original's classes from DNS."""
    reader.only(element, ("membershipHandler",))
    _algorithm(element, reader)
    holder = child(element, "membershipHandler")
    if holder is None:
        raise reader.fail(element, "child <membershipHandler> is required")
    items = [item for item in children(holder) if local(item) == "property"]
    values = {reader.required(item, "name"): injected(item, item.get("value") or "", reader) for item in items}
    seconds = reader.integer(holder, values.pop("refreshInterval", ""), "property refreshInterval", int(REFRESH_S))
    source = membership_of(holder, reader.required(holder, "class"), values, reader)
    return DynamicLoadBalance(*common, source, reader.flag(element, "failover", True), max(0, seconds))


def membership_of(holder: Element, name: str, values: dict[str, str], reader: Reader) -> Membership:
    """Who says who is there: a Python class, or DNS in place of a Java class."""
    if not name.startswith(("org.apache.", "org.wso2.")) and name != "dns":
        if "." not in name or not all(part.isidentifier() for part in name.split(".")):
            raise reader.fail(holder, f"attribute class={name!r}: a dotted path to a Python class, or dns, is expected")
        return Handler(name, tuple(values.items()))
    domain = values.get("applicationDomain") or ""
    if not domain:
        raise reader.fail(holder, "property applicationDomain is required: the DNS name of the members")
    return domain_of(holder, domain, values, reader)


def domain_of(element: Element, name: str, values: dict[str, str], reader: Reader) -> Domain:
    """A DNS name, with its port for both schemes or with one for each in properties."""
    host, _, port = name.rpartition(":") if ":" in name else (name, "", "")
    http, https = values.get("httpPort") or port or "80", values.get("httpsPort") or port or "443"
    return Domain(host, *(reader.integer(element, text, "port", 0) for text in (http, https)))


def service_dynamic(_read: Read, element: Element, _outer: Element, common: Common, reader: Reader) -> Endpoint:
    """`serviceDynamicLoadbalance`: a domain for each service, chosen by the host that is asked for."""
    if element.get("configuration"):
        raise reader.fail(element, "attribute 'configuration' is not read: write <services> inside the element")
    services = child(element, "services")
    if services is None:
        raise reader.fail(element, "child <services> is required")
    found = []
    for service in children(services):
        holder, domain = child(service, "hosts"), text_of(child(service, "domain"))
        names = [text_of(item) for item in children(holder)] if holder is not None else []
        names = names or (text_of(holder).replace(",", " ").split() if holder is not None else [])
        if not names or not domain:
            raise reader.fail(service, "children <hosts> and <domain> are required")
        source = domain_of(service, injected(service, domain, reader), {}, reader)
        balanced = DynamicLoadBalance(f"{common[0]}:{domain}", None, (), source, reader.flag(element, "failover", True))
        found.append((tuple(name.lower() for name in names), balanced))
    if not found:
        raise reader.fail(services, "at least one child <service> is required")
    return ServiceLoadBalance(*common, found)


def custom(_read: Read, element: Element, _outer: Element, common: Common, reader: Reader) -> Endpoint:
    """`class`: a Python class with `send(mc)`."""
    reader.only(element, ("parameter",))
    name = reader.required(element, "name")
    if "." not in name or not all(part.isidentifier() for part in name.split(".")):
        raise reader.fail(element, f"attribute name={name!r}: a dotted path to a Python class is expected")
    parameters = []
    for item in children(element):
        label, inner = reader.required(item, "name"), children(item)
        if not label.isidentifier() or label.startswith("_"):
            raise reader.fail(item, f"attribute name={label!r}: the name of a property is expected")
        value = clone(inner[0]) if inner else injected(item, item.get("value") or text_of(item), reader)
        parameters.append((label, value))
    return Custom(*common, name, tuple(parameters))


READERS: dict[str, Callable[[Read, Element, Element, Common, Reader], Endpoint]] = {
    "failover": failover,
    "loadbalance": load_balance,
    "recipientlist": recipients,
    "dynamicLoadbalance": dynamic,
    "serviceDynamicLoadbalance": service_dynamic,
    "class": custom,
}
