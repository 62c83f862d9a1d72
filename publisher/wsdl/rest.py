"""SOAP operations as REST resources: their verb and path, the sequences that translate, and the OpenAPI definition of it all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from lxml import etree

from apim.errors import FieldError, Invalid
from publisher.wsdl.bundle import parse
from publisher.wsdl.operations import Shape, SoapOperation

SYNAPSE = "http://ws.apache.org/ns/synapse"
ENVELOPES = {11: "http://schemas.xmlsoap.org/soap/envelope/", 12: "http://www.w3.org/2003/05/soap-envelope"}
READS = re.compile(r"^(get|find|list|search|read|query|is|has|check|count|lookup|verify|validate)", re.IGNORECASE)
DELETES = re.compile(r"^(delete|remove)", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
IN, OUT = "in", "out"


@dataclass(frozen=True)
class Resource:
    """One resource. `in_query`: the values come as query parameters, else as a JSON object."""

    operation: SoapOperation
    verb: str
    target: str

    @property
    def in_query(self) -> bool:
        """Whether the call has no body."""
        return self.verb in ("GET", "DELETE")


def resources(operations: Iterable[SoapOperation]) -> list[Resource]:
    """One for each operation. What only reads, by its name, and takes simple values is a GET; deleting is a DELETE."""
    return [Resource(one, _verb(one), f"/{one.name[:1].lower()}{one.name[1:]}") for one in operations]


def _verb(one: SoapOperation) -> str:
    if all(part.flat for part in one.request.parts) and not one.request.attributes:
        if READS.match(one.name):
            return "GET"
        if DELETES.match(one.name):
            return "DELETE"
    return "POST"


# -- mediation


def policies(found: Iterable[Resource]) -> list[dict[str, str]]:
    """The sequences of the resources, as `Api.resource_policies` keeps them."""
    made = []
    for one in found:
        for direction, content in ((IN, in_sequence(one)), (OUT, out_sequence())):
            made.append(
                {"id": str(uuid4()), "verb": one.verb, "target": one.target, "direction": direction, "content": content}
            )
    return made


def out_sequence() -> str:
    """The answer's envelope becomes JSON: what stands in its body."""
    root = etree.Element(_synapse("sequence"), nsmap={None: SYNAPSE})
    _child(root, "property", name="messageType", value="application/json", scope="axis2")
    return _text(root)


def in_sequence(resource: Resource) -> str:
    """The values of the call become the operation's envelope."""
    one = resource.operation
    root = etree.Element(_synapse("sequence"), nsmap={None: SYNAPSE})
    _child(root, "property", name="HTTP_METHOD", value="POST", scope="axis2")
    _child(root, "property", name="REST_URL_POSTFIX", scope="axis2", action="remove")
    envelope = _Envelope(resource)
    envelope.write(root)
    if one.version == 11:
        _child(root, "header", name="SOAPAction", scope="transport", value=f'"{one.action}"')
    else:
        kind = f'application/soap+xml; charset=UTF-8; action="{one.action}"'
        _child(root, "property", name="ContentType", value=kind, scope="axis2")
    return _text(root)


def check_sequence(content: str) -> None:
    """Raises Invalid, with its line, for text that is no Synapse sequence. What its mediators hold is for gateways to judge."""
    root = parse("content", content)
    if root.tag not in (_synapse("sequence"), "sequence"):
        message = f"The root element is {root.tag}, not a sequence."
        raise Invalid(message, [FieldError("content", message)])


class _Envelope:
    """Writes the payloadFactory of a request: a placeholder for each simple value, whole objects where lists are."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.arguments: list[str] = []
        self.optional: list[str] = []
        self.spaces: dict[str, str] = {}

    def write(self, parent: Any) -> None:
        """Adds the mediators to a sequence."""
        soap = ENVELOPES[self.resource.operation.version]
        request = self.resource.operation.request
        self._name_spaces(request)
        factory = _child(parent, "payloadFactory", **{"media-type": "xml"})
        form = _child(factory, "format")
        names = {"soapenv": soap} | {prefix: space for space, prefix in self.spaces.items()}
        envelope = etree.SubElement(form, f"{{{soap}}}Envelope", nsmap=names)
        etree.SubElement(envelope, f"{{{soap}}}Header")
        body = etree.SubElement(envelope, f"{{{soap}}}Body")
        self._element(body, request, (), f"//soapenv:Body/{self._step(request)}")
        given = _child(factory, "args")
        for expression in self.arguments:
            kind = {} if self.resource.in_query else {"evaluator": "json"}
            _child(given, "arg", expression=expression, **kind)
        if self.optional:
            self._drop_empty(parent, names)

    def _name_spaces(self, shape: Shape) -> None:
        if shape.namespace:
            self.spaces.setdefault(shape.namespace, f"web{len(self.spaces) or ''}")
        for part in shape.parts:
            self._name_spaces(part)

    def _step(self, shape: Shape) -> str:
        prefix = self.spaces.get(shape.namespace)
        return f"{prefix}:{shape.name}" if prefix else shape.name

    def _element(self, parent: Any, shape: Shape, path: tuple[str, ...], place: str) -> None:
        tag = f"{{{shape.namespace}}}{shape.name}" if shape.namespace else shape.name
        whole = shape.kind == "object" and (any(part.many for part in shape.parts) or (not shape.parts and path))
        inner = next((part.namespace for part in shape.parts if part.namespace), "") if whole else ""
        made = etree.SubElement(parent, tag, nsmap={None: inner} if inner else None)
        if path and not shape.required:
            self.optional.append(place)
        if whole or shape.kind != "object":
            made.text = self._argument(path)
            return
        for name in shape.attributes:
            made.set(name, self._argument((*path, name)))
        for part in shape.parts:
            self._element(made, part, (*path, part.name), f"{place}/{self._step(part)}")

    def _argument(self, path: tuple[str, ...]) -> str:
        if self.resource.in_query:
            self.arguments.append(f"get-property('query.param.{path[-1]}')")
        else:
            self.arguments.append("$" + "".join(f".{one}" if _PLAIN.match(one) else f"['{one}']" for one in path))
        return f"${len(self.arguments)}"

    def _drop_empty(self, parent: Any, names: dict[str, str]) -> None:
        """What may be missing and was not given is taken out again."""
        empty = "[not(normalize-space(.)) and not(.//@*[. != ''])]"
        enrich = _child(parent, "enrich")
        path = " | ".join(place + empty for place in self.optional)
        source = etree.SubElement(enrich, _synapse("source"), nsmap={p: s for p, s in names.items() if p})
        source.set("clone", "false")
        source.set("type", "custom")
        source.set("xpath", path)
        _child(enrich, "target", type="property", property="notGiven")


def _synapse(name: str) -> str:
    return f"{{{SYNAPSE}}}{name}"


def _child(parent: Any, tag: str, /, **attributes: str) -> Any:
    made = etree.SubElement(parent, _synapse(tag))
    for key, value in attributes.items():
        made.set(key, value)
    return made


def _text(root: Any) -> str:
    return str(etree.tostring(root, encoding="unicode", pretty_print=True))


# -- OpenAPI


def openapi(name: str, version: str, description: str, found: Iterable[Resource]) -> str:
    """The definition of the resources, as JSON; its schemas are those of the WSDL's types."""
    paths: dict[str, Any] = {}
    for one in found:
        operation = one.operation
        entry: dict[str, Any] = {"operationId": operation.name}
        if operation.documentation:
            entry["description"] = operation.documentation
        if one.in_query:
            entry["parameters"] = [
                {"name": part.name, "in": "query", "required": part.required, "schema": _schema(part)}
                for part in operation.request.parts
            ]
        else:
            content = {"application/json": {"schema": _schema(operation.request)}}
            entry["requestBody"] = {"required": True, "content": content}
        answer = {"type": "object", "properties": {operation.answer.name: _schema(operation.answer)}}
        entry["responses"] = {"200": {"description": "OK", "content": {"application/json": {"schema": answer}}}}
        paths.setdefault(one.target, {})[one.verb.lower()] = entry
    info = {"title": name, "version": version, **({"description": description} if description else {})}
    return json.dumps({"openapi": "3.0.3", "info": info, "paths": paths}, indent=2, ensure_ascii=False)


def _schema(shape: Shape) -> dict[str, Any]:
    made: dict[str, Any] = {"type": shape.kind}
    if shape.format:
        made["format"] = shape.format
    if shape.kind == "object":
        made["properties"] = {part.name: _schema(part) for part in shape.parts} | {
            name: {"type": "string"} for name in shape.attributes
        }
        required = [part.name for part in shape.parts if part.required]
        made |= {"required": required} if required else {}
    return {"type": "array", "items": made} if shape.many else made
