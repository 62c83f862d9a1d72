"""dataServiceCall: runs an operation of a data service in this process (reference 3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from integrator.engine.content import media
from integrator.engine.dataservices.faults import DataServiceFault
from integrator.engine.dataservices.service import DataService
from integrator.engine.errors import Fault
from integrator.engine.expressions import Constant, Expression, compile_path
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.xmltools import child, children, local


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
        named = target is not None and reader.choice(target, "type", ("body", "property"), "body") == "property"
        return cls(
            **cls.common(element, reader),
            service=reader.required(element, "serviceName"),
            operations=tuple(read_operation(item, reader) for item in children(group)) if group is not None else (),
            mode=reader.choice(group, "type", ("single", "batch", "request-box"), "single")
            if group is not None
            else "single",
            target=reader.value(target, "name") if named else None,
        )

    @property
    def reads_content(self) -> bool:
        """When the body names the operation, or a parameter reads it."""
        return not self.operations or super().reads_content

    def compile(self) -> Step:
        """A step that calls the service on a worker thread."""

        async def step(message: Message) -> None:
            service = message.deployment.data_services.get(self.service)
            if service is None:
                raise Fault(0, f"data service {self.service!r} is not deployed")
            calls = self.calls(message)
            try:
                result = await message.deployment.runtime.run(service.call_all, calls)
            except DataServiceFault as fault:
                raise Fault(0, f"DS Fault: {fault}", fault.detail()) from fault
            self.store(message, service, result)

        return step

    def calls(self, message: Message) -> list[tuple[str, dict[str, Any]]]:
        """(operation, parameters) in the order they run."""
        if self.operations:
            return [
                (operation.name, {name: value.string(message) for name, value in operation.parameters})
                for operation in self.operations
            ]
        payload = message.payload
        body = payload.json
        if not isinstance(body, dict) or len(body) != 1:
            raise Fault(0, "dataServiceCall: the body must hold one element named after the operation")
        name, parameters = next(iter(body.items()))
        return [(name, parameters if isinstance(parameters, dict) else {})]

    def store(self, message: Message, service: DataService, result: Any) -> None:
        """Put the result into the body or the target property."""
        root = service.to_xml(result) if result is not None else None
        if self.target is not None:
            message.properties[self.target.string(message) or ""] = [root] if root is not None else ""
        elif root is not None:
            if message.payload.family not in (media.XML, media.SOAP11, media.SOAP12) or message.payload.is_json:
                message.payload.discard()
                message.payload.content_type = media.XML
                message.payload.pox = True
            message.payload.set_root(root)
            message.set_type(message.payload.media)


def read_operation(element: Element, reader: Reader) -> Operation:
    """One operation element."""
    if local(element) != "operation":
        raise reader.fail(element, f"element <{local(element)}> is not allowed in <operations>; allowed is operation")
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
