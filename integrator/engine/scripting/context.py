"""`mc`: what JavaScript, Python scripts and classes may read and change of a message (reference 3.3, script)."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from lxml import etree

from integrator.engine.content.payload import decode_json, encode_json
from integrator.engine.errors import Fault
from integrator.engine.expressions import scopes
from integrator.engine.message import Message
from integrator.engine.xmltools import SOAP11, XmlError, local, namespace, parse, serialise

log = logging.getLogger("integrator.mediation")

SCOPES = ("default", "axis2", "transport", "operation")
LEVELS = {"trace": 10, "debug": 10, "info": 20, "warn": 30, "error": 40, "fatal": 50}
_FORMS = {"DoingPOX": "pox", "DoingGET": "get", "DoingMTOM": "enableMTOM", "DoingSWA": "enableSwA"}


class MessageContext:
    """One message, by the names that mediation scripts use. Raises Fault for a value that cannot be taken."""

    def __init__(self, message: Message):
        self.message = message

    def getPayloadJSON(self) -> Any:
        """The body as a JSON value; XML is mapped."""
        return self.message.payload.json

    def setPayloadJSON(self, value: Any) -> None:
        """Replace the body by a JSON value, or by JSON text."""
        self.message.payload.set_json(decode_json(value) if isinstance(value, str) else value)

    def getPayloadXML(self) -> Any:
        """The first element of the body; None when there is none. Give it to setPayloadXML after changing it."""
        return self.message.payload.root

    def setPayloadXML(self, value: Any) -> None:
        """Replace the first element of the body: an element, or XML text."""
        payload = self.message.payload
        json = payload.is_json
        payload.set_root(_element(value))
        if json:
            self.message.set_type("application/xml")
            payload.content_type = "application/xml"

    def getPayloadText(self) -> str:
        """JSON text, else the envelope as text."""
        payload = self.message.payload
        return payload.json_text() if payload.is_json else serialise(payload.envelope)

    def getEnvelope(self) -> Any:
        """The SOAP envelope."""
        return self.message.payload.envelope

    getEnvelopeXML = getEnvelope

    def setEnvelope(self, value: Any) -> None:
        """Replace the SOAP envelope: an element, or XML text."""
        element = _element(value)
        if local(element) != "Envelope" or not any(local(item) == "Body" for item in element):
            raise Fault(0, f"setEnvelope: a SOAP envelope with a Body is expected, not <{local(element)}>")
        pox, kind = self.message.payload.pox, self.message.payload.content_type
        self.message.payload.set_envelope(element)
        self.message.payload.pox, self.message.payload.content_type = pox, kind

    def addHeader(self, must_understand: bool, value: Any) -> None:
        """Add a SOAP header block."""
        block, header = _element(value), self.message.payload.header
        soap = namespace(header)
        if must_understand:
            block.set(f"{{{soap}}}mustUnderstand", "1" if soap == SOAP11 else "true")
        header.append(block)
        self.message.payload.xml_changed()

    def getProperty(self, name: str, scope: str = "default") -> Any:
        """A property; None when it is not set."""
        return scopes.read(self.message, _scope(scope), name)

    def setProperty(self, name: str, value: Any, scope: str = "default") -> None:
        """Set a property."""
        scopes.write(self.message, _scope(scope), name, value)

    def removeProperty(self, name: str, scope: str = "default") -> None:
        """Remove a property; absent is fine."""
        scopes.remove(self.message, _scope(scope), name)

    def getPropertyKeySet(self) -> list[str]:
        """Names of the default scope."""
        return list(self.message.properties)

    def getLocalEntry(self, key: str) -> str | None:
        """Text of a local entry or registry resource."""
        return self.message.deployment.entry_text(key)

    getEntry = getLocalEntry

    def getServiceLog(self) -> logging.Logger:
        """The log of mediation."""
        return log

    def log(self, level: str, text: str) -> None:
        """One line in the log of mediation, on one line."""
        line = " ".join(text.splitlines())[:10_000]
        log.log(LEVELS[level], "%s", line, extra={"correlation_id": self.message.flow.correlation_id})

    def field(self, name: str) -> Any:
        """An addressing field or a flag, by its name in `mc` without get, set or is."""
        message = self.message
        if name in ("To", "MessageID"):
            return message.to if name == "To" else message.id
        if name in ("SoapAction", "WSAAction"):
            return message.action
        if name == "Response":
            return message.response
        if name == "FaultResponse":
            return scopes.read(message, "default", "FAULT") == "TRUE"
        if name == "SOAP11":
            return not message.payload.pox and message.payload.soap == SOAP11
        if name == "DoingPOX":
            return message.payload.pox
        if name in _FORMS:
            return scopes.is_true(message.axis2.get(_FORMS[name]))
        return message.addressing.get(name)

    def set_field(self, name: str, value: Any) -> None:
        """Set what `field` reads."""
        message = self.message
        if name == "To":
            message.to = value
        elif name == "MessageID":
            message.id = str(value)
        elif name in ("SoapAction", "WSAAction"):
            message.action = value
        elif name == "Response":
            message.response = bool(value)
        elif name == "FaultResponse":
            message.properties["FAULT_RESPONSE"] = bool(value)
        elif name == "DoingPOX":
            message.payload.pox = bool(value)
        elif name in _FORMS:
            message.axis2[_FORMS[name]] = bool(value)
        elif value is None:
            message.addressing.pop(name, None)
        else:
            message.addressing[name] = str(value)

    def __getattr__(self, name: str) -> Any:
        """getTo, setTo, isResponse and the like: fields by their names."""
        for prefix in ("get", "set", "is"):
            if name.startswith(prefix) and name.removeprefix(prefix) in FIELDS:
                field = name.removeprefix(prefix)
                return partial(self.set_field if prefix == "set" else self.field, field)
        raise AttributeError(f"mc has no {name!r}")


ADDRESSES = ("To", "From", "ReplyTo", "FaultTo", "MessageID", "SoapAction", "WSAAction", "RelatesTo")
FLAGS = ("Response", "FaultResponse", "DoingPOX", "DoingGET", "DoingMTOM", "DoingSWA")
FIELDS = frozenset((*ADDRESSES, *FLAGS, "SOAP11"))


def json_of(message: Message) -> str | None:
    """The body as JSON text for a script; None when there is none."""
    value = message.payload.json
    return None if value is None else encode_json(value).decode()


def _scope(name: str) -> str:
    if name not in SCOPES:
        raise Fault(0, f"scope {name!r}: allowed are {', '.join(SCOPES)}")
    return name


def _element(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return parse(value)
        except XmlError as error:
            raise Fault(0, f"not well-formed XML: {error}") from error
    if isinstance(value, etree._Element):
        return value
    raise Fault(0, f"an XML element or XML text is expected, not {type(value).__name__}")
