"""What a proxy publishes of itself: ?wsdl, ?wsdl2, ?xsd and ?policy, with the addresses under which it is served."""

from __future__ import annotations

import logging
from urllib.parse import parse_qsl, quote

from lxml import etree

from integrator.engine.deployment import Deployment
from integrator.engine.endpoints.leaf import Leaf
from integrator.engine.endpoints.wsdl import Wsdl
from integrator.engine.errors import Fault
from integrator.engine.message import Message
from integrator.engine.services.proxy import Proxy, Publication
from integrator.engine.services.wsdl2 import described
from integrator.engine.wss.rampart import RAMPART
from integrator.engine.xmltools import Element, XmlError, children, local, namespace, parse
from wire.client import AnswerTooLarge, Limits
from wire.upstream import UpstreamError

log = logging.getLogger("integrator.http")

WSDL = "http://schemas.xmlsoap.org/wsdl/"
SCHEMA = "http://www.w3.org/2001/XMLSchema"
POLICIES = ("http://schemas.xmlsoap.org/ws/2004/09/policy", "http://www.w3.org/ns/ws-policy")
CARBON = "http://www.wso2.org/products/carbon/security"
MAX_BYTES = 4 * 1024 * 1024


async def publish(message: Message, proxy: Proxy, query: str) -> bytes | None:
    """The document that a query asks for; None when there is no such document."""
    word, _, wanted = query.partition("&")[0].partition("=")
    word, wanted = word.lower(), dict(parse_qsl(query)).get(word, "") if wanted else ""
    if word == "policy":
        return policy_of(message.deployment, proxy)
    if wanted:
        return _imported(message, proxy, wanted)
    root = await document(message, proxy)
    if word == "wsdl2":
        return _bytes(described(root, address_of(message, proxy)))
    return _schema(root) if word == "xsd" else _bytes(root)


def address_of(message: Message, proxy: Proxy) -> str:
    """Where this proxy is called, as the caller named this server."""
    host = message.headers.get("Host") or message.deployment.config.hostname
    return f"{message.flow.transport}://{host}/services/{proxy.name}"


async def document(message: Message, proxy: Proxy) -> Element:
    """The WSDL with the served address; one made up with the operation `mediate` when none is given or readable."""
    address, publication = address_of(message, proxy), proxy.publication
    text = None if publication is None else await _text(message, proxy.name, publication)
    if publication is not None and text is not None:
        try:
            return _served(parse(text), proxy, publication, address)
        except XmlError as error:
            log.warning("the WSDL of proxy %s is not readable: %s", proxy.name, error)
    return parse(_MADE_UP.format(name=proxy.name, address=address))


async def _text(message: Message, name: str, publication: Publication) -> str | bytes | None:
    if publication.inline:
        return publication.inline
    deployment = message.deployment
    try:
        if publication.key:
            return deployment.entry_text(publication.key)
        uri = publication.uri or await _uri_of(deployment, publication.endpoint)
        if not uri.startswith(("http://", "https://")):
            return deployment.entry_text(uri)
        response = await deployment.runtime.client.request("GET", uri, (), None, Limits(5, 10))
        data = await response.body(MAX_BYTES)
        if response.status == 200:  # noqa: PLR2004
            return data
        log.warning("the WSDL of proxy %s: %s answered %s", name, uri, response.status)
    except (Fault, UpstreamError, AnswerTooLarge, ValueError, OSError) as error:
        log.warning("the WSDL of proxy %s cannot be fetched: %s", name, error)
    return None


async def _uri_of(deployment: Deployment, name: str) -> str:
    """The WSDL of a named endpoint: its own, or what stands at its address."""
    endpoint = deployment.endpoint(name)
    if isinstance(endpoint, Wsdl) and isinstance(endpoint.source, str):
        return endpoint.source
    if isinstance(endpoint, Leaf) and endpoint.address:
        return endpoint.address.partition("?")[0] + "?wsdl"
    raise Fault(0, f"endpoint {name!r} has no address to ask for a WSDL")


def _served(root: Element, proxy: Proxy, publication: Publication, address: str) -> Element:
    """Ports lead here, imports to ?xsd= and ?wsdl= where a resource is named for them."""
    if proxy.parameters.get("modifyUserWSDLPortAddress", "").lower() != "false":
        for item in root.iter(f"{{{WSDL}}}port"):
            for inner in children(item):
                if local(inner) == "address":
                    inner.set("location", address)
    readdress(root, publication, address)
    if not publication.preserve_policy:
        for item in [item for item in root.iter(etree.Element) if namespace(item) in POLICIES]:
            if item.getparent() is not None:
                item.getparent().remove(item)
    return root


def readdress(root: Element, publication: Publication, address: str) -> None:
    """Locations of imports and includes that are published here."""
    for item in root.iter(etree.Element):
        kind = "wsdl" if namespace(item) == WSDL else "xsd"
        name = "location" if kind == "wsdl" else "schemaLocation"
        location = item.get(name)
        if local(item) in ("import", "include", "redefine") and location in publication.resources:
            item.set(name, f"{address}?{kind}={quote(location, safe='')}")


def _imported(message: Message, proxy: Proxy, location: str) -> bytes | None:
    publication = proxy.publication
    key = publication.resources.get(location) if publication is not None else None
    text = message.deployment.entry_text(key) if key else None
    if publication is None or text is None:
        return None
    try:
        root = parse(text)
    except XmlError as error:
        log.warning("resource %s of proxy %s is not readable: %s", location, proxy.name, error)
        return None
    readdress(root, publication, address_of(message, proxy))
    return _bytes(root)


def _schema(root: Element) -> bytes | None:
    found = next(root.iter(f"{{{SCHEMA}}}schema"), None)
    return None if found is None else _bytes(found)


def policy_of(deployment: Deployment, proxy: Proxy) -> bytes | None:
    """The policy without what is only for this server: its users, stores and roles."""
    text = deployment.entry_text(proxy.policy) if proxy.policy else None
    if text is None:
        return None
    root = parse(text)
    for item in [item for item in root.iter(etree.Element) if namespace(item) in (RAMPART, CARBON)]:
        if item.getparent() is not None:
            item.getparent().remove(item)
    return _bytes(root)


def _bytes(root: Element) -> bytes:
    data: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True, with_tail=False)
    return data


_MADE_UP = """<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:tns="http://ws.apache.org/axis2" targetNamespace="http://ws.apache.org/axis2">
  <wsdl:message name="mediateRequest"/>
  <wsdl:message name="mediateResponse"/>
  <wsdl:portType name="{name}PortType">
    <wsdl:operation name="mediate">
      <wsdl:input message="tns:mediateRequest"/>
      <wsdl:output message="tns:mediateResponse"/>
    </wsdl:operation>
  </wsdl:portType>
  <wsdl:binding name="{name}Soap11Binding" type="tns:{name}PortType">
    <soap:binding transport="http://schemas.xmlsoap.org/soap/http" style="document"/>
    <wsdl:operation name="mediate">
      <soap:operation soapAction="urn:mediate" style="document"/>
      <wsdl:input><soap:body use="literal"/></wsdl:input>
      <wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="{name}">
    <wsdl:port name="{name}HttpSoap11Endpoint" binding="tns:{name}Soap11Binding">
      <soap:address location="{address}"/>
    </wsdl:port>
  </wsdl:service>
</wsdl:definitions>
"""
