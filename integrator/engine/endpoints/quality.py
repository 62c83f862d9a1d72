"""enableAddressing and enableSec of endpoints (reference 4.2): what they do to requests and answers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lxml import etree

from integrator.engine import addressing
from integrator.engine.content import media
from integrator.engine.content.payload import Payload
from integrator.engine.content.writers import with_version
from integrator.engine.endpoints import separate
from integrator.engine.endpoints.uritemplate import UriTemplate
from integrator.engine.endpoints.wsdl import port_address
from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.expressions.scopes import is_true
from integrator.engine.inject import InjectionError, inject
from integrator.engine.message import Message
from integrator.engine.reader import Reader
from integrator.engine.wss.engaged import engage
from integrator.engine.wss.inbound import Facts, security_of
from integrator.engine.wss.names import SecurityRefusal
from integrator.engine.xmltools import SOAP11, SOAP12, Element, child, local, namespace

log = logging.getLogger("integrator.security")

SOAP = {"soap11": SOAP11, "soap12": SOAP12}
FACTS = "integrator.security.facts"
AWAITED = "integrator.addressing.awaited"


@dataclass(frozen=True)
class Quality:
    """Addressing and security of one endpoint, in that order. The answer is checked by the inbound policy."""

    form: str
    address: Callable[[Message], str | None]
    addressing: str
    separate: bool
    inward: Expression | None
    outward: Expression | None

    async def outgoing(self, message: Message) -> None:
        """The request becomes an envelope with the headers asked for. Raises Fault when it cannot be secured."""
        payload = message.payload
        root = with_version(payload.envelope, SOAP.get(self.form) or payload.soap)
        addressing.settle(message, root)
        if self.addressing and not is_true(message.axis2.get("disableAddressingForOutMessages")):
            fields = addressing.request_fields(message, self.address(message) or "", self.addressing)
            if self.separate:
                fields["ReplyTo"] = _answer_address(message)
            addressing.write(root, self.addressing, fields)
        facts = await self._secure(message, root)
        replace_body(message, root)
        message.client_options[FACTS] = facts

    async def _secure(self, message: Message, root: Element) -> Facts:
        key = self.outward.string(message) if self.outward is not None else None
        if not key:
            return Facts()
        try:
            return await engage(message.deployment, key).apply(message.deployment, root)
        except SecurityRefusal as refusal:
            raise Fault(0, f"WS-Security: {refusal.text}") from refusal

    async def incoming(self, message: Message) -> None:
        """Check the answer, and take its fields. Raises Fault for one that the policy does not allow."""
        sent = message.client_options.pop(FACTS, None) or Facts()
        awaited = message.client_options.pop(AWAITED, None)
        if awaited is not None:
            await separate.arrived(message, awaited)
        key = self.inward.string(message) if self.inward is not None else None
        await message.payload.read()
        if message.payload.media == media.SOAP11:
            message.payload.pox = False
        if key:
            await self._check(message, key, sent)
        if self.addressing and not message.payload.empty and not message.payload.is_json:
            addressing.take(message, message.payload.envelope)

    async def _check(self, message: Message, key: str, sent: Facts) -> None:
        engaged, payload = engage(message.deployment, key), message.payload
        if payload.empty:
            return
        if payload.is_json or (envelope := payload.envelope) is None or payload.pox:
            raise Fault(0, "WS-Security: the answer is no SOAP message")
        try:
            header = security_of(envelope)
            if header is None and [local(item) for item in payload.body] == ["Fault"]:
                return  # who refused our request cannot secure the refusal; it stays a fault
            if header is None and not engaged.policy.uses_keys and not engaged.policy.timestamp:
                return
            await engaged.enforce(message.deployment, envelope, sent)
        except SecurityRefusal as refusal:
            log.warning("an answer was refused: %s (%s)", refusal.text, refusal.code)
            raise Fault(0, f"WS-Security: the answer is refused: {refusal.text}") from refusal
        if header is not None:
            header.set(addressing.PROCESSED, "true")
        payload.xml_changed()


def _answer_address(message: Message) -> str:
    """Where the answer is to arrive; the message remembers that it waits."""
    runtime, hostname = message.deployment.runtime, message.deployment.config.hostname
    awaited = message.client_options[AWAITED] = separate.expect(runtime.global_timeout_ms / 1000)
    return f"http://{hostname}:{runtime.settings.http_port}{awaited.path}"


def replace_body(message: Message, root: Element) -> None:
    """The message is from now on these bytes of a SOAP envelope, which nothing may change any more.

    Its axis2 properties are a new map, so that who kept the old message has it unchanged.
    """
    kind = media.SOAP12 if namespace(root) == SOAP12 else media.SOAP11
    content_type = f"{kind}; charset=UTF-8"
    message.payload = Payload(etree.tostring(root, encoding="utf-8"), content_type, pox=False)
    message.axis2 = {**message.axis2, "messageType": content_type, "ContentType": content_type}
    message.headers.remove("Content-Type")


def read_quality(element: Element, reader: Reader) -> Quality:
    """The extension of an endpoint that has enableAddressing, enableSec or both; it is made once, by the first of them."""
    holder = element.getparent()
    wsa, security = child(holder, "enableAddressing"), child(holder, "enableSec")
    if element is not (security if security is not None else wsa):
        return _NOTHING
    return Quality(
        form=(holder.get("format") or "").lower(),
        address=_address(holder),
        addressing=_version(wsa, reader),
        separate=wsa is not None and reader.flag(wsa, "separateListener"),
        **_policies(security, reader),
    )


def _address(holder: Element) -> Callable[[Message], str | None]:
    """What To says: the address; of a WSDL the port's when it stands in the artifact; of default, the message's own."""
    kind = local(holder)
    try:
        if kind == "http":
            return UriTemplate(inject(holder.get("uri-template") or "")).expand
        if kind == "address":
            uri = inject(holder.get("uri") or "")
            return lambda _: uri
    except (InjectionError, ValueError):  # the endpoint itself says what is wrong with it
        return lambda _: None
    if kind == "wsdl":
        inline = child(holder, "definitions")
        port = None if inline is None else port_address(inline, holder.get("service") or "", holder.get("port") or "")
        return lambda _: port
    return lambda message: message.to


def _version(element: Element | None, reader: Reader) -> str:
    if element is None:
        return ""
    return addressing.VERSIONS[reader.choice(element, "version", tuple(addressing.VERSIONS), "final")]


def _policies(element: Element | None, reader: Reader) -> dict[str, Any]:
    if element is None:
        return {"inward": None, "outward": None}
    both = reader.optional_value(element, "policy")
    inward, outward = (reader.optional_value(element, name) for name in ("inboundPolicy", "outboundPolicy"))
    if both is not None and (inward is not None or outward is not None):
        raise reader.fail(element, "either policy or inboundPolicy and outboundPolicy may be given")
    if both is None and inward is None and outward is None:
        raise reader.fail(element, "attribute policy, inboundPolicy or outboundPolicy is required")
    return {"inward": inward or both, "outward": outward or both}


class _Nothing(Quality):
    """In the place of a second element whose work the first one does."""

    async def outgoing(self, message: Message) -> None:
        """Nothing."""

    async def incoming(self, message: Message) -> None:
        """Nothing."""


_NOTHING = _Nothing("", lambda _: None, "", False, None, None)
