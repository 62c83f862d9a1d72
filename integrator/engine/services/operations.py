"""Which operation of a proxy's WSDL a message asks for: by its action, else by the element in its body."""

from __future__ import annotations

from dataclasses import dataclass, field

from integrator.engine.errors import Fault
from integrator.engine.message import Message
from integrator.engine.services.proxy import Proxy
from integrator.engine.xmltools import Element, XmlError, children, local, parse

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
MEDIATE = "mediate"
"""The operation of a proxy that publishes no WSDL of its own."""


@dataclass(frozen=True)
class Operations:
    """Names of operations by action and by the element of their request."""

    namespace: str | None = None
    actions: dict[str, str] = field(default_factory=dict)
    elements: dict[str, str] = field(default_factory=dict)


def operation_of(message: Message) -> tuple[str, str | None]:
    """(name, namespace) of the operation; `mediate` when the WSDL is not at hand or does not tell."""
    proxy = message.deployment.proxies.get(message.flow.service)
    held = _operations(message, proxy) if proxy is not None and proxy.publication is not None else Operations()
    name = held.actions.get(message.action or "")
    if name is None and held.elements and message.payload.built and message.payload.root is not None:
        name = held.elements.get(message.payload.root.tag)
    return name or MEDIATE, held.namespace


def _operations(message: Message, proxy: Proxy) -> Operations:
    publication, deployment = proxy.publication, message.deployment
    assert publication is not None
    key = publication.key or publication.uri
    try:
        text = publication.inline or (deployment.entry_text(key) if key and "://" not in key else None)
    except Fault:
        text = None
    if not text:
        return Operations()
    data, label = text.encode(), f"operations {proxy.name}"
    held = deployment.compiled.get(label)
    if held is None or held[0] != data:
        held = deployment.compiled[label] = (data, _read(data))
    found: Operations = held[1]
    return found


def _read(data: bytes) -> Operations:
    try:
        root = parse(data)
    except XmlError:
        return Operations()
    actions = {
        str(inner.get("soapAction")): str(item.get("name"))
        for item in root.iter(f"{WSDL}operation")
        for inner in children(item)
        if local(inner) == "operation" and inner.get("soapAction")
    }
    requests = {str(item.get("name")): element for item in root.iter(f"{WSDL}message") if (element := _element(item))}
    elements = {}
    for port in root.iter(f"{WSDL}portType"):
        for item in port.iter(f"{WSDL}operation"):
            given = item.find(f"{WSDL}input")
            asked = str(given.get("message")).rpartition(":")[2] if given is not None else ""
            if asked in requests:
                elements[requests[asked]] = str(item.get("name"))
    return Operations(root.get("targetNamespace"), actions, elements)


def _element(item: Element) -> str | None:
    """The qualified name of the element that a message carries."""
    for part in item.iter(f"{WSDL}part"):
        prefix, _, name = str(part.get("element") or "").rpartition(":")
        if name:
            space = part.nsmap.get(prefix or None)
            return f"{{{space}}}{name}" if space else name
    return None
