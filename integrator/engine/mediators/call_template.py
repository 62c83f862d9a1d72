"""call-template: runs a sequence template with parameters (reference 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from integrator.engine.errors import TEMPLATE_PARAMETER_MISSING, Fault
from integrator.engine.expressions import Deferred, Expression
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.sequence import note_fault
from integrator.engine.xmltools import children, local


@register("call-template")
@dataclass(frozen=True, kw_only=True)
class CallTemplate(Mediator):
    """Template name and arguments."""

    target: Expression
    on_error: str | None
    arguments: tuple[tuple[str, Expression], ...]

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("with-param", "description"))
        arguments = tuple(
            (reader.required(item, "name"), reader.value(item, "value"))
            for item in children(element)
            if local(item) == "with-param"
        )
        return cls(
            **cls.common(element, reader),
            target=reader.value(element, "target"),
            on_error=element.get("onError"),
            arguments=arguments,
        )

    def compile(self) -> Step:
        """A step that pushes the parameters and runs the template."""

        async def step(message: Message) -> bool:
            name = self.target.string(message) or ""
            template = message.deployment.sequence_template(name)
            if template is None:
                raise Fault(0, f"sequence template {name!r} is not deployed")
            given = {key: argument(message, value) for key, value in self.arguments}
            depth = len(message.func)
            try:
                message.func.append(parameters(template.parameters, given, name))
                return await template.chain.run(message)
            except Fault as fault:
                handler = message.deployment.sequence(self.on_error) if self.on_error else None
                if handler is None:
                    raise
                note_fault(message, fault)
                await handler.run(message)
                return False
            finally:
                del message.func[depth:]

        return step


def argument(message: Message, value: Expression) -> Any:
    """Value of one argument: elements stay nodes, everything else is text; deferred ones are handed on."""
    if isinstance(value, Deferred):
        return value.inner  # scopes.read evaluates it where it is used
    raw = value.value(message)
    if isinstance(raw, list) and len(raw) == 1 and hasattr(raw[0], "tag"):
        return raw
    return value.string(message)


def parameters(declared: tuple[Any, ...], given: dict[str, Any], name: str) -> dict[str, Any]:
    """Values of all declared parameters. Raises Fault 500101 when a mandatory one is missing."""
    values = dict(given)
    for parameter in declared:
        if values.get(parameter.name) in (None, ""):
            if parameter.default is not None:
                values[parameter.name] = parameter.default
            elif parameter.mandatory:
                raise Fault(
                    TEMPLATE_PARAMETER_MISSING, f"template {name!r}: mandatory parameter {parameter.name!r} is missing"
                )
    return values
