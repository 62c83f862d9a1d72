"""Data services over HTTP: resources, and operations by SOAP or by the name of the body's root (reference 6.5, 6.6)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from lxml import etree

from integrator.engine.content import media
from integrator.engine.content.payload import encode_json
from integrator.engine.dataservices.faults import NAMESPACE, DataServiceFault
from integrator.engine.dataservices.rows import Table
from integrator.engine.dataservices.service import BATCH, Call, DataService
from integrator.engine.errors import BadPayload
from integrator.engine.message import Message
from integrator.engine.xmltools import SOAP11, SOAP12, XSI, Element, children, envelope, local
from wire.exchange import Exchange

BOX = "request_box"
BOX_RESPONSE = "DATA_SERVICE_REQUEST_BOX_RESPONSE"


async def serve(exchange: Exchange, message: Message, service: DataService, rest: str) -> None:
    """Serve one request below /services/NAME."""
    await message.payload.read()
    method = exchange.method.decode("latin-1")
    try:
        calls, boxed = find_calls(message, service, method, rest, exchange.query.decode("latin-1"))
    except BadPayload as error:
        exchange.respond(
            400, [(b"content-type", b"application/json")], encode_json({"code": 400, "message": error.message})
        )
        return
    if calls is None:
        exchange.respond(405 if service.has_path(rest) else 404)
        return
    try:
        result = await message.deployment.runtime.run(service.call_all, calls)
    except DataServiceFault as fault:
        respond_fault(exchange, message, fault)
        return
    respond_result(exchange, message, service, result, boxed)


def find_calls(
    message: Message, service: DataService, method: str, rest: str, query: str
) -> tuple[list[Call] | None, bool]:
    """Operations to run in order, and whether they came in a request box; None when nothing matches."""
    body = Body(message)
    path = rest.strip("/")
    if service.boxes and (path == BOX or body.name.endswith(BOX)):
        return [call for name, parameters in body.members() for call in body.calls(name, parameters)], True
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    base = path.removesuffix(BATCH)
    if service.batch and base != path and (found := service.find(method, base)):
        return body.batch(found[0].name), False
    found = service.find(method, path) if path else None
    if found is not None:
        operation, variables = found
        return [(operation.name, {**body.parameters(), **parameters, **variables})], False
    name = body.name or (message.action or "").rpartition(":")[2]
    if service.batch and name.endswith(BATCH) and name.removesuffix(BATCH).lower() in service.by_name:
        return body.batch(name.removesuffix(BATCH)), False
    if name.lower() in service.by_name:
        return [(name, {**parameters, **body.parameters()})], False
    return None, False


class Body:
    """The request body as one named set of parameters, whatever it was written in."""

    def __init__(self, message: Message):
        payload = message.payload
        self.name = ""
        self.value: Any = {}
        if payload.empty:
            return
        if payload.family in (media.JSON, media.FORM):
            value = payload.json
            if payload.family == media.FORM:
                value = next(iter(value.values())) if isinstance(value, dict) else {}
                self.value = value
            elif isinstance(value, dict) and len(value) == 1 and isinstance(next(iter(value.values())), dict | list):
                self.name, self.value = next(iter(value.items()))
            else:
                self.value = value
        elif payload.family in (media.XML, media.SOAP11, media.SOAP12):
            root = payload.root
            if root is not None and local(root) == "Envelope":
                root = next((item for part in root for item in children(part) if local(part) == "Body"), None)
            if root is not None:
                self.name, self.value = local(root), xml_value(root)

    def parameters(self) -> dict[str, Any]:
        """Parameters of a single call."""
        return self.value if isinstance(self.value, dict) else {}

    def members(self) -> list[tuple[str, Any]]:
        """Calls inside a request box."""
        return list(self.parameters().items())

    def batch(self, operation: str) -> list[Call]:
        """One call per item of a batch."""
        value: Any = self.value
        if isinstance(value, dict) and len(value) == 1:
            value = next(iter(value.values()))
        items = value if isinstance(value, list) else [value]
        return [(operation, item) for item in items if isinstance(item, dict)]

    @staticmethod
    def calls(name: str, parameters: Any) -> list[Call]:
        """The calls of one member of a box: one, one per list item, or a batch."""
        if name.endswith(BATCH) and isinstance(parameters, dict) and len(parameters) == 1:
            name, parameters = next(iter(parameters.items()))
        items = parameters if isinstance(parameters, list) else [parameters]
        return [(name, item if isinstance(item, dict) else {}) for item in items]


def xml_value(element: Element) -> Any:
    """Text of a leaf, None for xsi:nil, a dict of children with repeated ones as lists."""
    inner = children(element)
    if not inner:
        return None if element.get(f"{{{XSI}}}nil") in ("true", "1") else (element.text or "")
    found: dict[str, Any] = {}
    for item in inner:
        name, value = local(item), xml_value(item)
        if name in found:
            held = found[name]
            found[name] = [*held, value] if isinstance(held, list) else [held, value]
        else:
            found[name] = value
    return found


def wants_json(message: Message) -> bool:
    """Whether the caller asks for JSON."""
    return "application/json" in (message.headers.get("Accept") or "")


def soap_of(message: Message) -> str:
    """The SOAP namespace to answer in, empty for plain XML."""
    payload = message.payload
    if payload.media == media.SOAP12:
        return SOAP12
    return SOAP11 if payload.media == media.SOAP11 and not payload.pox else ""


def respond_result(
    exchange: Exchange, message: Message, service: DataService, result: Table | str | None, boxed: bool
) -> None:
    """Answer with the last result; 202 without one."""
    if result is None:
        exchange.respond(202)
        return
    if wants_json(message) and not soap_of(message):
        value = service.to_json(result)
        exchange.respond(
            200,
            [(b"content-type", b"application/json; charset=UTF-8")],
            encode_json({BOX_RESPONSE: value} if boxed else value),
        )
        return
    root = service.to_xml(result)
    if boxed:
        wrapper = etree.Element(f"{{{NAMESPACE}}}{BOX_RESPONSE}", nsmap={"ds": NAMESPACE})
        wrapper.append(root)
        root = wrapper
    respond_xml(exchange, message, 200, root)


def respond_xml(exchange: Exchange, message: Message, status: int, root: Element) -> None:
    """Answer with an element, in an envelope when the request came in one."""
    soap = soap_of(message)
    kind = b"application/xml; charset=UTF-8"
    if soap:
        wrapper = envelope(soap)
        wrapper[1].append(root)
        root = wrapper
        kind = b"application/soap+xml; charset=UTF-8" if soap == SOAP12 else b"text/xml; charset=UTF-8"
    exchange.respond(status, [(b"content-type", kind)], etree.tostring(root, encoding="utf-8"))


def respond_fault(exchange: Exchange, message: Message, fault: DataServiceFault) -> None:
    """Answer 500 with the fault in the caller's form (reference 6.8)."""
    if wants_json(message) and not soap_of(message):
        body = encode_json(
            {
                "Fault": {
                    "faultcode": "axis2ns1:" + fault.code,
                    "faultstring": str(fault),
                    "detail": {"DataServiceFault": fault.fields()},
                }
            }
        )
        exchange.respond(500, [(b"content-type", b"application/json; charset=UTF-8")], body)
        return
    soap = soap_of(message)
    if not soap:
        respond_xml(exchange, message, 500, fault.to_xml())
        return
    root = etree.Element(f"{{{soap}}}Fault", nsmap={"soapenv": soap})
    if soap == SOAP12:
        code = etree.SubElement(root, f"{{{soap}}}Code")
        etree.SubElement(code, f"{{{soap}}}Value").text = "soapenv:Receiver"
        reason = etree.SubElement(etree.SubElement(root, f"{{{soap}}}Reason"), f"{{{soap}}}Text")
        reason.set("{http://www.w3.org/XML/1998/namespace}lang", "en-US")
        detail_name = f"{{{soap}}}Detail"
    else:
        etree.SubElement(root, "faultcode").text = "soapenv:Server"
        reason = etree.SubElement(root, "faultstring")
        detail_name = "detail"
    reason.text = fault.detail()
    etree.SubElement(root, detail_name).append(fault.to_xml())
    respond_xml(exchange, message, 500, root)
