"""callout: the old blocking call: one part of the message goes to a service, the answer to one place (reference 3.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from lxml import etree

from integrator.engine.content import media
from integrator.engine.endpoints.base import Endpoint
from integrator.engine.endpoints.groups import Reference, anonymous_default
from integrator.engine.endpoints.leaf import Address, Definition
from integrator.engine.endpoints.parse import endpoint_of, injected, read_endpoint
from integrator.engine.errors import CALLOUT_FAILED, Fault
from integrator.engine.expressions import Constant, Expression
from integrator.engine.expressions.scopes import element_of
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.xmltools import XmlError, child, clone, parse


@dataclass(frozen=True)
class Spot:
    """A place by XPath or by key; neither is the whole envelope."""

    path: Expression | None
    key: str

    @property
    def whole(self) -> bool:
        """Whether it is the envelope."""
        return self.path is None and not self.key


@register("callout")
@dataclass(frozen=True, kw_only=True)
class Callout(Mediator):
    """Endpoint, action, what is sent and where the answer goes."""

    endpoint: Endpoint | None
    action: str
    origin: Spot
    target: Spot

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element. `configuration` names files of the Java client; it is read and has no effect."""
        reader.only(element, ("endpoint", "configuration", "source", "target", "enableSec", "description"))
        reader.flag(element, "initAxis2ClientOptions", True)
        reader.flag(element, "useServerConfig")
        origin, target = child(element, "source"), child(element, "target")
        if origin is not None:
            reader.choice(origin, "type", ("envelope", "xpath", "key"), "envelope")
        return cls(
            **cls.common(element, reader),
            endpoint=read_where(element, reader),
            action=element.get("action") or "",
            origin=read_spot(origin, reader),
            target=read_spot(target, reader),
        )

    @property
    def reads_content(self) -> bool:
        """The message is kept while a copy is sent."""
        return True

    def compile(self) -> Step:
        """A step that sends a copy and puts the answer where it belongs."""
        endpoint = self.endpoint or anonymous_default()

        async def step(message: Message) -> None:
            working = message.copy()
            working.frames = []
            working.axis2.pop("REST_URL_POSTFIX", None)
            working.axis2["HTTP_METHOD"] = "POST"
            if self.action:
                working.action = self.action
            self.load(message, working)
            try:
                await endpoint.send(working)
                await working.payload.read()
                root = working.payload.root
            except Fault as fault:
                raise Fault(CALLOUT_FAILED, fault.message, fault.detail) from fault
            status = int(working.axis2.get("HTTP_SC") or 200)
            if status >= 400:
                text = f"Transport error: {status} Error: {working.axis2.get('HTTP_SC_DESC')}"
                raise Fault(CALLOUT_FAILED, text)
            self.store(message, working, root)

        return step

    def load(self, message: Message, working: Message) -> None:
        """The part that is sent becomes the body of the copy. Raises Fault when there is none."""
        if self.origin.whole:
            return
        if self.origin.path is not None:
            found = element_of(self.origin.path.value(message))
            where = f"source xpath {self.origin.path.text!r}"
        else:
            found = entry(message, self.origin.key)
            where = f"source key {self.origin.key!r}"
        if found is None:
            raise Fault(CALLOUT_FAILED, f"callout: {where} gives no element")
        found = clone(found)
        if working.payload.is_json or working.payload.family not in (media.XML, media.SOAP11, media.SOAP12):
            working.payload.discard()
            working.payload.content_type, working.payload.pox = media.XML, True
            working.set_type(media.XML)
        working.payload.set_root(found)

    def store(self, message: Message, working: Message, root: Any) -> None:
        """Put the answer into the message. Raises Fault when the target's XPath selects no element."""
        message.axis2["HTTP_SC"] = working.axis2.get("HTTP_SC")
        if self.target.whole:
            message.payload, message.headers = working.payload, working.headers
            message.axis2.pop("messageType", None)
            message.axis2.pop("ContentType", None)
        elif self.target.path is None:
            message.properties[self.target.key] = [clone(root)] if root is not None else ""
        else:
            spot = element_of(self.target.path.value(message))
            if spot is None or spot.getparent() is None:
                raise Fault(CALLOUT_FAILED, f"callout: target xpath {self.target.path.text!r} gives no element")
            if root is not None:
                replace(spot, clone(root))
                message.payload.xml_changed()


def replace(old: Element, new: Element) -> None:
    """Put an element where another is; the text that follows it stays."""
    new.tail = old.tail
    old.getparent().replace(old, new)


def entry(message: Message, key: str) -> Any:
    """The element of a property, else of a local entry or registry resource."""
    found = element_of(message.properties.get(key))
    if found is not None:
        return found
    text = message.properties.get(key) or message.deployment.entry_text(key)
    if not text:
        return None
    try:
        return parse(str(text))
    except (XmlError, etree.XMLSyntaxError) as error:
        raise Fault(CALLOUT_FAILED, f"callout: {key!r} holds no XML: {error}") from error


def read_where(element: Element, reader: Reader) -> Endpoint | None:
    """The endpoint: serviceURL, endpointKey or a child, at most one of them."""
    url, key = element.get("serviceURL"), element.get("endpointKey")
    if sum(1 for item in (url, key, child(element, "endpoint")) if item is not None) > 1:
        raise reader.fail(element, "serviceURL, endpointKey and a child <endpoint> exclude each other")
    security = child(element, "enableSec")
    if security is not None:
        if not url:
            raise reader.fail(security, "it needs serviceURL; a named endpoint has its own enableSec")
        return secured(element, security, url, reader)
    if url:
        return Address("", None, (), Definition(), injected(element, url, reader))
    return Reference(Constant(key)) if key else endpoint_of(element, reader)


def secured(element: Element, security: Element, url: str, reader: Reader) -> Endpoint:
    """An endpoint of the address with the security of the callout; its elements stand at the callout's line."""
    holder = etree.Element("endpoint")
    address = etree.SubElement(holder, "address", uri=url)
    address.append(clone(security))
    for item in holder.iter():
        item.sourceline = element.sourceline
    return read_endpoint(holder, reader)


def read_spot(element: Element | None, reader: Reader) -> Spot:
    """A source or target element."""
    if element is None or (element.get("type") or "").lower() == "envelope":
        return Spot(None, "")
    if element.get("xpath") and element.get("key"):
        raise reader.fail(element, "either xpath or key may be given, not both")
    path = reader.optional_path(element, "xpath", "xml")
    if path is None and not element.get("key") and element.get("type"):
        raise reader.fail(element, "attribute 'xpath' or 'key' is required")
    return Spot(path, element.get("key") or "")
