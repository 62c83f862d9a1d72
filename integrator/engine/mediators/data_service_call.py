"""dataServiceCall: runs an operation of a data service in this process (reference 3.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from lxml import etree

from integrator.engine.content import media
from integrator.engine.dataservices.faults import NAMESPACE, DataServiceFault
from integrator.engine.dataservices.http import BOX_RESPONSE, find_calls
from integrator.engine.dataservices.service import Call, DataService
from integrator.engine.errors import Fault
from integrator.engine.expressions import Constant, Expression, compile_path
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.transactions import Transaction, active
from integrator.engine.xmltools import child, children, local

MODES = ("single", "batch", "request-box")


@dataclass(frozen=True)
class Operation:
    """Name and parameters of one inline operation."""

    name: str
    parameters: tuple[tuple[str, Expression], ...]


@register("dataServiceCall")
@dataclass(frozen=True, kw_only=True)
class DataServiceCall(Mediator):
    """Service, operations (none: the body names one) and target property."""

    service: str
    operations: tuple[Operation, ...]
    mode: str
    target: Expression | None

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("source", "operations", "target", "description"))
        source, target = child(element, "source"), child(element, "target")
        inline = source is not None and reader.choice(source, "type", ("body", "inline"), "body") == "inline"
        group = child(element, "operations")
        if group is not None and not inline:
            raise reader.fail(group, "<operations> needs source type='inline'")
        if inline and group is None:
            raise reader.fail(element, "child <operations> is required with source type='inline'")
        mode = reader.choice(group, "type", MODES, "single") if group is not None else "single"
        named = target is not None and reader.choice(target, "type", ("body", "property"), "body") == "property"
        return cls(
            **cls.common(element, reader),
            service=reader.required(element, "serviceName"),
            operations=tuple(read_operations(group, mode, reader)) if group is not None else (),
            mode=mode,
            target=reader.value(target, "name") if named else None,
        )

    @property
    def reads_content(self) -> bool:
        """When the body names the operation, or a parameter reads it."""
        return not self.operations or super().reads_content

    def compile(self) -> Step:
        """A step that calls the service on a worker thread, inside the flow's transaction when there is one."""

        async def step(message: Message) -> None:
            service = message.deployment.data_services.get(self.service)
            if service is None:
                raise Fault(0, f"data service {self.service!r} is not deployed")
            calls, boxed = self.calls(message, service)
            try:
                result = await message.deployment.runtime.run(run, service, calls, active(message))
            except DataServiceFault as fault:
                raise Fault(0, f"DS Fault: {fault}", fault.detail()) from fault
            self.store(message, service, result, boxed)

        return step

    def calls(self, message: Message, service: DataService) -> tuple[list[Call], bool]:
        """(operation, parameters) in the order they run, and whether they are a request box. Raises Fault."""
        if not self.operations:
            found, boxed = find_calls(message, service, "POST", "", "")
            if not found:
                raise Fault(0, "dataServiceCall: the body must hold one element named after the operation")
            return found, boxed
        if self.mode == "batch" and not service.batch:
            raise Fault(0, f"data service {self.service!r} has no batch requests; give it enableBatchRequests='true'")
        if self.mode == "request-box" and not service.boxes:
            raise Fault(0, f"data service {self.service!r} has no request box; give it enableBoxcarring='true'")
        return [
            (operation.name, {name: value.string(message) for name, value in operation.parameters})
            for operation in self.operations
        ], self.mode == "request-box"

    def store(self, message: Message, service: DataService, result: Any, boxed: bool) -> None:
        """Put the result into the body or the target property."""
        root = service.to_xml(result) if result is not None else None
        if boxed and root is not None:
            wrapper = etree.Element(f"{{{NAMESPACE}}}{BOX_RESPONSE}", nsmap={"ds": NAMESPACE})
            wrapper.append(root)
            root = wrapper
        if self.target is not None:
            message.properties[self.target.string(message) or ""] = [root] if root is not None else ""
        elif root is not None:
            if message.payload.family not in (media.XML, media.SOAP11, media.SOAP12) or message.payload.is_json:
                message.payload.discard()
                message.payload.content_type = media.XML
                message.payload.pox = True
            message.payload.set_root(root)
            message.set_type(message.payload.media)


def run(service: DataService, calls: list[Call], transaction: Transaction | None) -> Any:
    """Run the calls, by themselves or inside a transaction. Raises DataServiceFault."""
    if transaction is None:
        return service.call_all(calls)
    with transaction.using() as connection_of:
        return service.call_all(calls, connection_of)


def read_operations(group: Element, mode: str, reader: Reader) -> Iterator[Operation]:
    """The operations of a group, those of groups inside it in their place."""
    for item in children(group):
        if local(item) == "operations":
            inner = reader.choice(item, "type", MODES, "single")
            yield from read_operations(item, inner, reader)
        else:
            yield read_operation(item, reader)
    names = [item.get("name") for item in children(group) if local(item) == "operation"]
    if mode == "batch" and len(set(names)) > 1:
        raise reader.fail(group, f"type='batch' runs one operation; {', '.join(sorted(set(names)))} are named")
    if mode == "single" and len(names) > 1:
        raise reader.fail(group, "type='single' runs one operation; use batch or request-box for more")


def read_operation(element: Element, reader: Reader) -> Operation:
    """One operation element."""
    if local(element) != "operation":
        raise reader.fail(
            element, f"element <{local(element)}> is not allowed in <operations>; allowed are operation, operations"
        )
    parameters = []
    for item in children(element):
        if local(item) == "param":
            if item.get("expression") is not None:
                evaluator = "json" if item.get("evaluator") == "json" else ""
                value = compile_path(item.get("expression"), item, reader.place(item), evaluator)
            else:
                value = Constant(item.get("value") or "")
            parameters.append((reader.required(item, "name"), value))
    return Operation(reader.required(element, "name"), tuple(parameters))
