"""WSDL 1.1 told again as WSDL 2.0, for ?wsdl2: types, operations with their elements, and the served address."""

from __future__ import annotations

from lxml import etree

from integrator.engine.xmltools import Element, clone

WSDL = "http://schemas.xmlsoap.org/wsdl/"
WSDL2 = "http://www.w3.org/ns/wsdl"
SOAP_BINDING = "http://www.w3.org/ns/wsdl/soap"
SOAP_HTTP = "http://www.w3.org/2003/05/soap/bindings/HTTP/"
IN_OUT, IN_ONLY = f"{WSDL2}/in-out", f"{WSDL2}/in-only"


def described(root: Element, address: str) -> Element:
    """A WSDL 2.0 description; the same document when it is one already."""
    if root.tag == f"{{{WSDL2}}}description":
        return root
    target = root.get("targetNamespace") or ""
    spaces = {None: WSDL2, "wsoap": SOAP_BINDING} | {prefix: uri for prefix, uri in root.nsmap.items() if prefix}
    made = etree.Element(
        _tag("description"), {"targetNamespace": target}, {**spaces, "tns": target} if target else spaces
    )
    types = root.find(f"{{{WSDL}}}types")
    if types is not None:
        holder = etree.SubElement(made, _tag("types"))
        holder.extend(clone(item) for item in types if isinstance(item.tag, str))
    parts = {
        message.get("name"): next((part.get("element") for part in message if part.get("element")), None)
        for message in root.findall(f"{{{WSDL}}}message")
    }
    names = []
    for port in root.findall(f"{{{WSDL}}}portType"):
        names.append(str(port.get("name")))
        interface = etree.SubElement(made, _tag("interface"), {"name": names[-1]})
        for operation in port.findall(f"{{{WSDL}}}operation"):
            _operation(interface, operation, parts)
    _services(made, root, names, address)
    return made


def _operation(interface: Element, operation: Element, parts: dict[str, str | None]) -> None:
    output = operation.find(f"{{{WSDL}}}output")
    attributes = {"name": str(operation.get("name")), "pattern": IN_ONLY if output is None else IN_OUT}
    made = etree.SubElement(interface, _tag("operation"), attributes)
    for word in ("input", "output"):
        given = operation.find(f"{{{WSDL}}}{word}")
        if given is not None:
            element = parts.get(str(given.get("message")).rpartition(":")[2]) or "#any"
            etree.SubElement(made, _tag(word), {"element": element})


def _services(made: Element, root: Element, names: list[str], address: str) -> None:
    service = root.find(f"{{{WSDL}}}service")
    for name in names:
        binding = etree.SubElement(
            made,
            _tag("binding"),
            {"name": f"{name}Binding", "interface": f"tns:{name}", "type": SOAP_BINDING},
        )
        binding.set(f"{{{SOAP_BINDING}}}protocol", SOAP_HTTP)
    if names:
        label = str(service.get("name")) if service is not None else names[0]
        held = etree.SubElement(made, _tag("service"), {"name": label, "interface": f"tns:{names[0]}"})
        endpoint = {"name": f"{label}Endpoint", "binding": f"tns:{names[0]}Binding", "address": address}
        etree.SubElement(held, _tag("endpoint"), endpoint)


def _tag(name: str) -> str:
    return f"{{{WSDL2}}}{name}"
