"""`<name.operation>`: an operation of a built-in connector, with declared parameters (reference 3.11)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from integrator.engine.connectors.calls import LONGEST_S, Call, Described, fault_of
from integrator.engine.connectors.declare import ANSWER, Connector, Operation, Parameter, Result
from integrator.engine.connectors.finding import find
from integrator.engine.connectors.values import ValueProblem, convert
from integrator.engine.errors import Fault
from integrator.engine.expressions import Constant, Expression, compile_path, compile_value
from integrator.engine.expressions.values import text_of
from integrator.engine.inject import InjectionError, inject
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register_dotted
from integrator.engine.mediators.variable import set_variable
from integrator.engine.message import Message
from integrator.engine.xmltools import children, clone, local

Arguments = tuple[tuple[Parameter, Expression], ...]


class Held(Expression):
    """A parameter's literal, converted when it was deployed."""

    def __init__(self, kept: Any, text: str = ""):
        self.text = text
        self.kept = kept

    def value(self, message: Message) -> Any:
        """The value itself."""
        return self.kept


@dataclass(frozen=True, kw_only=True)
class ConnectorCall(Mediator):
    """An operation and its arguments; or `init`, which describes the connection that later operations use."""

    connector: Connector = field(compare=False, repr=False)
    operation: Operation | None = field(compare=False, repr=False)
    config_key: Expression | None
    arguments: Arguments

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element. The connector must exist. Raises DeploymentError for what it does not declare."""
        name, _, wanted = local(element).partition(".")
        connector = known(element, reader)
        if connector is None:
            raise reader.fail(element, f"connector {name!r} is unknown")
        operation = connector.operations.get(wanted)
        if operation is None and wanted != "init":
            allowed = ", ".join(sorted({"init", *connector.operations}))
            raise reader.fail(element, f"connector {name!r} has no operation {wanted!r}; allowed are {allowed}")
        if operation is None:
            declared = {parameter.name: parameter for parameter in (*COMMON, *connector.connection)}
        else:
            declared = operation.parameters | ({item.name: item for item in ANSWER} if operation.answers else {})
        return cls(
            **cls.common(element, reader),
            connector=connector,
            operation=operation,
            config_key=reader.optional_value(element, "configKey"),
            arguments=read_arguments(element, reader, declared),
        )

    @property
    def reads_content(self) -> bool:
        """Whether an argument or the operation itself looks at the body."""
        reading = self.operation is not None and self.operation.reads_content
        return reading or any(expression.reads_content for expression in self.expressions())

    def describe(self, message: Message) -> Described:
        """The connection that this `init` describes, for a message. Raises Fault."""
        return Described.of(self.connector.name, self._values(message))

    def compile(self) -> Step:
        """The step to run."""
        if self.operation is None:
            return self._compile_init()
        operation = self.operation

        async def step(message: Message) -> None:
            values = self._values(message)
            call = Call(message, self.connector.name, operation.name, values, self._described(message))
            what = f"{self.connector.name}.{operation.name}"
            limit = min(message.deployment.config.connector_limits.seconds, LONGEST_S)
            try:
                async with asyncio.timeout(limit):
                    found = await operation.run(call)
            except Exception as error:  # noqa: BLE001  (whatever a library raises becomes a fault without secrets)
                raise fault_of(error, what, self.connector.error_code, self._secrets(call)) from None
            if found is not None:
                answer(message, found if isinstance(found, Result) else Result(found), values)

        return step

    def _compile_init(self) -> Step:
        def step(message: Message) -> None:
            message.operation[_slot(self.connector)] = self.describe(message)

        return step

    def _values(self, message: Message) -> dict[str, Any]:
        try:
            return {
                parameter.name: expression.kept
                if isinstance(expression, Held)
                else convert(parameter, expression.value(message))
                for parameter, expression in self.arguments
            }
        except ValueProblem as error:
            raise Fault(self.connector.error_code, str(error)) from None

    def _described(self, message: Message) -> Described:
        if self.config_key is not None:
            key = self.config_key.string(message) or ""
            entry = message.deployment.connection(key)
            if not isinstance(entry, ConnectorCall) or entry.connector is not self.connector:
                raise Fault(self.connector.error_code, f"configKey {key!r}: no local entry with <{self._init}>")
            return entry.describe(message)
        held = message.operation.get(_slot(self.connector))
        if isinstance(held, Described):
            return held
        if self.connector.needs_connection:
            raise Fault(
                self.connector.error_code,
                f"<{local(self.source)}> has no connection: give configKey, or <{self._init}> before it",
            )
        return Described.of(self.connector.name, {item.name: item.default for item in self.connector.connection})

    @property
    def _init(self) -> str:
        return f"{self.connector.name}.init"

    def _secrets(self, call: Call) -> tuple[str, ...]:
        declared = [*self.connector.connection, *(self.operation.parameters.values() if self.operation else ())]
        found = {
            str(given[item.name])
            for item in declared
            for given in (call.values, call.connection)
            if item.secret and given.get(item.name)
        }
        return tuple(sorted(found, key=len, reverse=True))


@register_dotted
def read(element: Element, reader: Reader) -> ConnectorCall | None:
    """A call of a built-in connector; None for any other. Of two with one name the built-in one is meant."""
    return ConnectorCall.parse(element, reader) if known(element, reader) is not None else None


def connection_of(element: Element, reader: Reader) -> ConnectorCall | None:
    """The connection that a local entry holds; None for anything else. Raises DeploymentError."""
    if not local(element).endswith(".init") or known(element, reader) is None:
        return None
    return ConnectorCall.parse(element, reader)


def known(element: Element, reader: Reader) -> Connector | None:
    """The built-in connector an element belongs to. Raises DeploymentError when its package cannot be loaded."""
    try:
        return find(local(element).partition(".")[0])
    except Exception as error:
        raise reader.fail(element, f"a connector cannot be loaded: {type(error).__name__}: {error}") from error


COMMON = (
    Parameter("name", "Name of the connection, for people."),
    Parameter("connectionType", "Kind of the connection, for tools."),
)


def _slot(connector: Connector) -> str:
    return f"connector:{connector.name}"


def read_arguments(element: Element, reader: Reader, declared: Mapping[str, Parameter]) -> Arguments:
    """Every declared parameter with its expression; absent ones hold their default. Raises DeploymentError."""
    reader.only(element, tuple(declared))
    given: dict[str, Expression] = {}
    for item in children(element):
        if local(item) in given:
            raise reader.fail(item, f"parameter {local(item)!r} is given twice")
        given[local(item)] = read_argument(item, reader, declared[local(item)])
    missing = [name for name, parameter in declared.items() if parameter.required and name not in given]
    if missing:
        raise reader.fail(element, f"parameter {missing[0]!r} is required")
    return tuple((item, given.get(name) or Held(item.default)) for name, item in declared.items())


def read_argument(item: Element, reader: Reader, parameter: Parameter) -> Expression:
    """One parameter: an expression, or a literal that is converted now. Raises DeploymentError."""
    inner = children(item)
    if inner:
        return _literal(item, reader, parameter, clone(inner[0]))
    if item.get("expression"):
        return compile_path(reader.required(item, "expression"), item, reader.place(item))
    text = item.text or ""
    if parameter.kind in ("json", "any") and text.lstrip().startswith("{") and _is_json(text):
        return _literal(item, reader, parameter, text)
    compiled = compile_value(text, item, reader.place(item))
    if not isinstance(compiled, Constant):
        return compiled
    try:
        return _literal(item, reader, parameter, inject(text))
    except InjectionError as error:
        raise reader.fail(item, str(error)) from error


def _is_json(text: str) -> bool:
    try:
        return isinstance(convert(Parameter("text", kind="json"), text), dict)
    except ValueProblem:
        return False


def _literal(item: Element, reader: Reader, parameter: Parameter, raw: Any) -> Held:
    try:
        return Held(convert(parameter, raw), "***" if parameter.secret else text_of(raw) or "")
    except ValueProblem as error:
        raise reader.fail(item, str(error)) from error


def answer(message: Message, result: Result, values: Mapping[str, Any]) -> None:
    """Put a result where the operation was told to: into the body, or into a variable."""
    variable = values.get("responseVariable")
    if variable:
        found = {"payload": result.payload, "headers": result.headers, "attributes": result.attributes}
        set_variable(message, variable, found)
        if not values.get("overwriteBody"):
            return
    for name, value in result.headers.items():
        message.headers.set(name, value)
    put(message, result.payload, result.content_type)


def put(message: Message, payload: Any, content_type: str = "") -> None:
    """Replace the body: an element as XML, text and bytes as they are, anything else as JSON."""
    if isinstance(payload, bytes):
        message.payload.discard()
        message.payload.data = payload
        message.payload.content_type = content_type or "application/octet-stream"
    elif hasattr(payload, "tag"):
        message.payload.discard()
        message.payload.set_root(payload)
        message.payload.content_type = content_type = content_type or "application/xml"
    elif isinstance(payload, str):
        message.payload.set_text(payload)
        content_type = content_type or "text/plain"
        message.payload.content_type = content_type
    elif payload is not None:
        message.payload.set_json(payload)
        content_type = content_type or "application/json"
    else:
        return
    message.set_type(content_type or message.payload.content_type)
