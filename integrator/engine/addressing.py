"""WS-Addressing: fields of a message read from its headers, written into them, and taken away when they were only for us."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from integrator.engine.content import media
from integrator.engine.errors import BadPayload
from integrator.engine.message import Message, new_id
from integrator.engine.xmltools import Element, child, local, namespace, text_of

FINAL = "http://www.w3.org/2005/08/addressing"
SUBMISSION = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
VERSIONS = {"final": FINAL, "submission": SUBMISSION}
ANONYMOUS = {FINAL: f"{FINAL}/anonymous", SUBMISSION: f"{SUBMISSION}/role/anonymous"}
NOWHERE = frozenset({*ANONYMOUS.values(), f"{FINAL}/none"})
FIELDS = ("To", "From", "Action", "FaultTo", "ReplyTo", "RelatesTo", "MessageID")
REFERENCES = ("From", "FaultTo", "ReplyTo")
"""Fields that are endpoint references: their address is what counts."""
PROCESSED = "{urn:integrator:internal}processed"
"""Marks a header block that was dealt with here: it is not passed on (`preserveProcessedHeaders` keeps it)."""


def blocks(envelope: Element) -> list[Element]:
    """The addressing blocks of an envelope's header."""
    header = child(envelope, "Header")
    return [] if header is None else [item for item in header if namespace(item) in ANONYMOUS]


def field_of(message: Message, name: str) -> str | None:
    """A field: what a mediator set, else what stands in the header of a message that was read; None for neither."""
    held = message.addressing.get(name)
    payload = message.payload
    if held is not None or payload.pox or payload.is_json or not payload.built:
        return held
    return value_in(payload.envelope, name)


def destination(message: Message) -> str | None:
    """Where the message is to go. As long as that is the path it was asked at, To in the header of one that was read counts.

    An address below this server that leads back to the same path does not: the message would go round for ever.
    """
    to, payload = message.to, message.payload
    if to is None or not to.startswith("/") or payload.unread is not None or payload.is_json:
        return to
    if payload.family not in (media.XML, media.SOAP11, media.SOAP12):
        return to
    try:
        asked = value_in(payload.envelope, "To") or ""
    except BadPayload:
        return to
    parts = urlsplit(asked)
    return asked if parts.scheme in ("http", "https") and asked not in NOWHERE and parts.path != to else to


def value_in(envelope: Element, name: str) -> str | None:
    """A field as it stands in the header."""
    for block in blocks(envelope):
        if local(block) == name:
            return text_of(child(block, "Address") if name in REFERENCES else block) or None
    return None


def take(message: Message, envelope: Element) -> None:
    """The message's fields are those of an envelope; those that it does not have are forgotten."""
    found = {name: value_in(envelope, name) for name in FIELDS}
    message.addressing = {name: value for name, value in found.items() if value is not None and name != "To"}
    message.action = message.action or found["Action"]


def settle(message: Message, envelope: Element) -> None:
    """Before an envelope is written: blocks that were for us go, unless properties say that they are kept."""
    properties = message.properties
    header = child(envelope, "Header")
    if header is None or not len(header):
        return
    keep_addressing = _true(properties.get("PRESERVE_WS_ADDRESSING"))
    keep_processed = _true(properties.get("preserveProcessedHeaders"))
    for block in list(header):
        processed = block.attrib.pop(PROCESSED, None) is not None
        if (processed and not keep_processed) or (
            not keep_addressing and not keep_processed and namespace(block) in ANONYMOUS
        ):
            header.remove(block)


def write(envelope: Element, version: str, fields: dict[str, str | None]) -> None:
    """Put fields into the header, in the place of those that are there."""
    soap = namespace(envelope)
    header = envelope.find(f"{{{soap}}}Header")
    if header is None:
        header = etree.Element(f"{{{soap}}}Header")
        envelope.insert(0, header)
    for block in blocks(envelope):
        header.remove(block)
    for name, value in fields.items():
        if not value:
            continue
        block = etree.SubElement(header, f"{{{version}}}{name}", nsmap={"wsa": version})
        holder = etree.SubElement(block, f"{{{version}}}Address") if name in REFERENCES else block
        holder.text = value


def request_fields(message: Message, address: str, version: str) -> dict[str, str | None]:
    """Fields of a request to a backend: answers come back on the connection unless a mediator says otherwise."""
    given = message.addressing
    return {
        "To": address or None,
        "From": given.get("From"),
        "ReplyTo": given.get("ReplyTo") or ANONYMOUS[version],
        "FaultTo": given.get("FaultTo"),
        "MessageID": message.id,
        "RelatesTo": given.get("RelatesTo"),
        "Action": message.action,
    }


def reply_fields(asked: dict[str, str], message: Message) -> dict[str, str | None]:
    """Fields of the answer to an addressed request."""
    action = message.action or (f"{asked['Action']}Response" if asked.get("Action") else None)
    return {
        "To": asked.get("ReplyTo"),
        "MessageID": f"urn:uuid:{new_id()}",
        "RelatesTo": asked.get("MessageID"),
        "Action": action,
    }


def _true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")
