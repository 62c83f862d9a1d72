"""enrich on the XML view of the message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from integrator.engine.content import jsonxml, media
from integrator.engine.content.payload import Payload
from integrator.engine.errors import BadPayload, Fault
from integrator.engine.expressions import scopes
from integrator.engine.expressions.values import as_value
from integrator.engine.message import Message
from integrator.engine.xmltools import SOAP11, SOAP12, XmlError, clone, local, namespace, parse, serialise, text_of

if TYPE_CHECKING:
    from integrator.engine.mediators.enrich import Source, Target

TEXT = "text()"
"""What a target's path calls the text of an element."""


def run(message: Message, source: Source, target: Target) -> None:
    """Apply source to target."""
    if target.action == "remove":
        remove(message, source, target)
        return
    nodes = source_nodes(message, source)
    if target.kind == "property":
        _to_property(message, nodes, target)
    elif target.kind == "envelope":
        _to_envelope(message, nodes)
    elif target.kind == "body":
        _to_body(message, nodes, target.action)
    else:
        _to_custom(message, nodes, target)


def source_nodes(message: Message, source: Source) -> list[Any]:
    """Elements and texts to write; elements are copies unless they are moved."""
    payload = message.payload
    if source.kind == "envelope":
        return [clone(payload.envelope)]
    if source.kind == "body":
        found: list[Any] = [payload.root] if payload.root is not None else []
    elif source.kind == "inline":
        return nodes_of(source.inline_text(message))
    elif source.kind == "property":
        return nodes_of(message.properties.get(source.name))
    else:
        assert source.path is not None
        found = source.path.nodes(message)
    result = [clone(node) if hasattr(node, "tag") else str(node) for node in found]
    if not source.clone:
        for node in found:
            if hasattr(node, "tag") and node.getparent() is not None:
                node.getparent().remove(node)
        payload.xml_changed()
    return result


def nodes_of(value: Any) -> list[Any]:
    """A property or inline text as nodes: XML text is parsed, JSON text is mapped."""
    if value is None:
        return []
    if hasattr(value, "tag"):
        return [clone(value)]
    if isinstance(value, list) and value and hasattr(value[0], "tag"):
        return [clone(node) for node in value if hasattr(node, "tag")]
    if isinstance(value, str):
        if value.lstrip().startswith("<"):
            try:
                return [parse(value)]
            except XmlError as error:
                raise BadPayload(f"enrich: not well-formed XML: {error}") from error
        value = as_value(value)
    if isinstance(value, dict | list):
        return [jsonxml.to_xml(value)]
    return [scopes.as_text(value)]


def remove(message: Message, source: Source, target: Target) -> None:
    """Take what the source selects out of the body, or out of XML kept in a property."""
    if target.kind == "body":
        for path in source.removed:
            for node in path.nodes(message):
                detach(node)
        message.payload.xml_changed()
        return
    held = nodes_of(message.properties.get(target.name))
    wrapped = Message(message.flow, Payload(content_type=media.XML))
    wrapped.properties, wrapped.headers = message.properties, message.headers
    wrapped.payload.body.extend(node for node in held if hasattr(node, "tag"))
    for path in source.removed:
        for node in path.nodes(wrapped):
            detach(node)
    message.properties[target.name] = list(wrapped.payload.body)


def detach(node: Any) -> None:
    """Remove an element from its document; the text behind it stays. Attributes and texts are left alone."""
    parent = node.getparent() if hasattr(node, "tag") else None
    if parent is None:
        return
    before = node.getprevious()
    if node.tail and before is not None:
        before.tail = (before.tail or "") + node.tail
    elif node.tail:
        parent.text = (parent.text or "") + node.tail
    parent.remove(node)


def _to_property(message: Message, nodes: list[Any], target: Target) -> None:
    if target.action == "replace" or target.name not in message.properties:
        texts = [node for node in nodes if not hasattr(node, "tag")]
        message.properties[target.name] = "".join(texts) if texts else nodes
        return
    held = nodes_of(message.properties[target.name])
    if target.action == "sibling":
        message.properties[target.name] = held + nodes
    else:
        for holder in held[:1]:
            holder.extend(node for node in nodes if hasattr(node, "tag"))
        message.properties[target.name] = held


def _to_envelope(message: Message, nodes: list[Any]) -> None:
    if not nodes or not hasattr(nodes[0], "tag") or local(nodes[0]) != "Envelope":
        raise Fault(0, "enrich: the source of an envelope target must be a SOAP envelope")
    if namespace(nodes[0]) not in (SOAP11, SOAP12):
        raise Fault(0, "enrich: the source of an envelope target must be a SOAP 1.1 or 1.2 envelope")
    message.payload.set_envelope(nodes[0])
    message.payload.content_type = media.SOAP12 if namespace(nodes[0]) == SOAP12 else media.SOAP11


def _to_body(message: Message, nodes: list[Any], action: str) -> None:
    payload = message.payload
    elements = [node for node in nodes if hasattr(node, "tag")]
    root = payload.root
    if action == "child" and root is not None:
        root.extend(elements)
        if not elements:
            root.text = (root.text or "") + "".join(nodes)
        payload.xml_changed()
    elif action == "sibling" and root is not None:
        payload.body.extend(elements)
        payload.xml_changed()
    elif not elements:
        payload.set_text("".join(nodes))
    else:
        if payload.family not in (media.XML, media.SOAP11, media.SOAP12, media.JSON):
            payload.content_type = media.XML
        if len(elements) == 1 and local(elements[0]) == "Envelope" and namespace(elements[0]) in (SOAP11, SOAP12):
            payload.set_envelope(elements[0])
            return
        payload.set_root(elements[0])
        payload.body.extend(elements[1:])


def _to_custom(message: Message, nodes: list[Any], target: Target) -> None:
    path = target.path
    assert path is not None
    if target.scope:
        scopes.write(message, target.scope, target.name, _plain(nodes))
        return
    places = [node for node in path.nodes(message) if hasattr(node, "tag")]
    if target.part:
        places = [place for place in places if (place.text if target.part == TEXT else target.part in place.attrib)]
    if not places:
        raise Fault(
            0, f"enrich: the target {path.text!r} selects nothing" + (f" with {target.part}" if target.part else "")
        )
    for place in places:
        if target.part:
            put_part(place, nodes, target.part)
        else:
            put(place, nodes, target.action)
    message.payload.xml_changed()


def _plain(nodes: list[Any]) -> Any:
    return "".join(serialise(node) if hasattr(node, "tag") else node for node in nodes)


def put_part(place: Any, nodes: list[Any], part: str) -> None:
    """Write instead of an attribute or the text of an element; elements take the place of the text."""
    elements = [clone(node) for node in nodes if hasattr(node, "tag")]
    if part != TEXT:
        place.set(part, "".join(text_of(node) if hasattr(node, "tag") else node for node in nodes))
    elif elements:
        place.text = None
        place.extend(elements)
    else:
        put(place, nodes, "replace")


def put(place: Any, nodes: list[Any], action: str) -> None:
    """Write nodes at an element: as its children, after it, or instead of it."""
    elements = [clone(node) for node in nodes if hasattr(node, "tag")]
    text = "".join(node for node in nodes if not hasattr(node, "tag"))
    parent = place.getparent()
    if action == "child":
        place.extend(elements)
        if text:
            place.text = (place.text or "") + text
    elif not elements:
        for item in list(place):
            place.remove(item)
        place.text = text
    elif parent is None:
        raise Fault(0, "enrich: the envelope itself cannot be replaced this way")
    else:
        index = parent.index(place) + (1 if action == "sibling" else 0)
        if action == "replace":
            elements[-1].tail = place.tail
            parent.remove(place)
        for offset, element in enumerate(elements):
            parent.insert(index + offset, element)
