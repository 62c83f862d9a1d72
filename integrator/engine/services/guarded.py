"""Proxies with WS-Security or WS-Addressing: requests are checked before the in sequence runs, answers get their headers."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
from dataclasses import dataclass

from lxml import etree

from integrator.engine import addressing
from integrator.engine.addressing import FINAL
from integrator.engine.content import media
from integrator.engine.content.payload import Payload
from integrator.engine.content.writers import with_version
from integrator.engine.endpoints.quality import replace_body
from integrator.engine.errors import Fault
from integrator.engine.expressions.scopes import is_true
from integrator.engine.headers import Headers
from integrator.engine.message import Message, Reply
from integrator.engine.replies import WrappedReply
from integrator.engine.services.proxy import Proxy
from integrator.engine.wss.engaged import Engaged, engage
from integrator.engine.wss.inbound import Facts, security_of
from integrator.engine.wss.names import FAILED_AUTHENTICATION, INVALID_SECURITY, SecurityRefusal
from integrator.engine.wss.tokens import WRONG
from integrator.engine.xmltools import SOAP12, Element, envelope, local, namespace

log = logging.getLogger("integrator.security")


@dataclass(frozen=True)
class GuardedProxy(Proxy):
    """Keys of the policies of requests and of answers, empty for none; whether requests must be addressed."""

    inward: str = ""
    outward: str = ""
    enforce_addressing: bool = False

    async def run(self, message: Message) -> None:
        """Admit the message, then run as any proxy. Raises Fault for a policy that is missing or wrong."""
        facts: Facts | None = Facts()
        if self.inward:
            facts = await admit(message, engage(message.deployment, self.inward))
        if facts is None:
            return
        if self.outward and not facts.basic:
            answering = engage(message.deployment, self.outward)
            message.flow.reply = SecuredReply(message.flow.reply, answering, facts, message.payload.soap)
        if (self.addressing or self.enforce_addressing) and not await self._addressed(message):
            return
        await super().run(message)

    async def _addressed(self, message: Message) -> bool:
        """Take the fields of the request; False when it has none but should, and was answered so."""
        await message.payload.read()
        envelope = None if message.payload.is_json or message.payload.pox else message.payload.envelope
        found = addressing.blocks(envelope) if envelope is not None else []
        if envelope is None or not found:
            if self.enforce_addressing:
                await message.flow.reply.send(fault_of(message, UNADDRESSED))
                return False
            return True
        addressing.take(message, envelope)
        message.flow.reply = AddressedReply(message.flow.reply, namespace(found[0]), dict(message.addressing))
        return True


UNADDRESSED = SecurityRefusal(
    "MessageAddressingHeaderRequired",
    "A required header representing a Message Addressing Property is not present",
    FINAL,
)


async def admit(message: Message, engaged: Engaged) -> Facts | None:
    """What an admitted message proved; None when it was refused, and answered."""
    await message.payload.read()
    if message.payload.media == media.SOAP11:
        message.payload.pox = False  # without a SOAPAction it is an envelope all the same
    try:
        return await _check(message, engaged)
    except SecurityRefusal as refusal:
        text = "%s refused a message: %s (%s)"
        log.warning(
            text,
            message.flow.artifact,
            refusal.text,
            refusal.code,
            extra={"correlation_id": message.flow.correlation_id},
        )
        await message.flow.reply.send(fault_of(message, refusal))
        return None


async def _check(message: Message, engaged: Engaged) -> Facts:
    policy, payload = engaged.policy, message.payload
    if policy.binding == "transport" and message.flow.transport != "https":
        raise SecurityRefusal(INVALID_SECURITY, "Expected transport is https")
    root = payload.envelope
    header = None if payload.pox or payload.is_json else security_of(root)
    if header is None and not policy.uses_keys and policy.username is not None:
        given = message.headers.get("Authorization")
        if given is not None or payload.pox or payload.is_json:
            return _basic(message, engaged, given)
    if payload.is_json:
        raise SecurityRefusal(INVALID_SECURITY, "a SOAP message is expected")
    facts = await engaged.enforce(message.deployment, root)
    if header is not None:
        header.set(addressing.PROCESSED, "true")
    payload.xml_changed()
    if facts.user:
        message.axis2["username"] = facts.user
    return facts


def _basic(message: Message, engaged: Engaged, given: str | None) -> Facts:
    """Basic credentials in place of a UsernameToken. Raises SecurityRefusal."""
    user = _user(given, engaged)
    if user is None:
        raise SecurityRefusal(FAILED_AUTHENTICATION, WRONG)
    engaged.authorise(user)
    message.headers.remove("Authorization")
    message.axis2["username"] = user
    return Facts(user=user, basic=True)


def _user(given: str | None, engaged: Engaged) -> str | None:
    """The user of right credentials."""
    scheme, _, value = (given or "").partition(" ")
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    known = engaged.known(name) if colon and scheme.lower() == "basic" else None
    return name if known is not None and hmac.compare_digest(known.encode(), password.encode()) else None


def fault_of(message: Message, refusal: SecurityRefusal) -> Message:
    """The answer to a refused message: a SOAP fault with the specification's code, in the request's version.

    Who may try again with Basic credentials is told so by status 401.
    """
    twelve = message.payload.media == media.SOAP12
    made = Message(message.flow, Payload(None, media.SOAP12 if twelve else media.SOAP11, pox=False), Headers())
    root = envelope(SOAP12 if twelve else "http://schemas.xmlsoap.org/soap/envelope/")
    made.payload.set_envelope(root)
    root[1].append(_fault(namespace(root), refusal, twelve))
    made.response = True
    challenge = message.payload.pox and refusal.code == FAILED_AUTHENTICATION
    made.axis2["HTTP_SC"] = 401 if challenge else 400 if twelve else 500
    if challenge:
        made.headers.set("WWW-Authenticate", 'Basic realm="integrator"')
    return made


def _fault(soap: str, refusal: SecurityRefusal, twelve: bool) -> Element:
    fault = etree.Element(f"{{{soap}}}Fault", nsmap={"soapenv": soap, refusal.prefix: refusal.namespace})
    if not twelve:
        etree.SubElement(fault, "faultcode").text = f"{refusal.prefix}:{refusal.code}"
        etree.SubElement(fault, "faultstring").text = refusal.text
        return fault
    code = etree.SubElement(fault, f"{{{soap}}}Code")
    etree.SubElement(code, f"{{{soap}}}Value").text = "soapenv:Sender"
    etree.SubElement(
        etree.SubElement(code, f"{{{soap}}}Subcode"), f"{{{soap}}}Value"
    ).text = f"{refusal.prefix}:{refusal.code}"
    text = etree.SubElement(etree.SubElement(fault, f"{{{soap}}}Reason"), f"{{{soap}}}Text")
    text.text = refusal.text
    text.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    return fault


class AddressedReply(WrappedReply):
    """Writes the addressing fields of the answer: whose it is, and that it belongs to the request."""

    def __init__(self, inner: Reply, version: str, asked: dict[str, str]):
        super().__init__(inner)
        self.version, self.asked = version, asked

    async def send(self, message: Message) -> None:
        """Add the fields to an answer that is SOAP, unless a property says no."""
        await message.payload.read()
        wanted = not is_true(message.axis2.get("disableAddressingForOutMessages"))
        if wanted and not self.inner.sent and not message.payload.is_json and not message.payload.empty:
            root = message.payload.envelope
            if not message.payload.pox:
                addressing.settle(message, root)
                addressing.write(root, self.version, addressing.reply_fields(self.asked, message))
                replace_body(message, root)
        await self.inner.send(message)


class SecuredReply(WrappedReply):
    """Applies the policy to the answer; it goes out as SOAP in the version of the request."""

    def __init__(self, inner: Reply, engaged: Engaged, asked: Facts, soap: str):
        super().__init__(inner)
        self.engaged, self.asked, self.soap = engaged, asked, soap

    async def send(self, message: Message) -> None:
        """Secure, and answer. Raises Fault when that is not possible: nothing goes out unprotected."""
        await message.payload.read()
        if not self.inner.sent and not message.payload.empty and not is_true(message.axis2.get("NO_ENTITY_BODY")):
            await self._secure(message)
        await self.inner.send(message)

    async def _secure(self, message: Message) -> None:
        root = with_version(message.payload.envelope, self.soap)
        addressing.settle(message, root)
        failed = any(local(item) == "Fault" for item in root[-1])
        try:
            await self.engaged.apply(message.deployment, root, self.asked)
        except SecurityRefusal as refusal:
            raise Fault(0, f"the answer cannot be secured: {refusal.text}") from refusal
        replace_body(message, root)
        if failed and not is_true(message.axis2.get("FAULTS_AS_HTTP_200")):
            message.axis2["HTTP_SC"] = 500
