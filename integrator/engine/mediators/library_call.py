"""`<connector.operation>` of a connector archive: its template with the children as parameters (reference 3.11)."""

from __future__ import annotations

from dataclasses import dataclass, field

from integrator.engine import libraries
from integrator.engine.errors import DeploymentError, Fault
from integrator.engine.expressions import Expression, compile_value
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, parse_one, register_dotted
from integrator.engine.mediators.call_template import argument, parameters
from integrator.engine.message import Message
from integrator.engine.xmltools import children, local, text_of

INIT = "init"


@dataclass(frozen=True, kw_only=True)
class LibraryCall(Mediator):
    """Connector, operation, the local entry that holds the connection, and the arguments."""

    connector: str
    operation: str
    config_key: Expression | None
    arguments: tuple[tuple[str, Expression], ...]
    held: list[tuple[Element, LibraryCall]] = field(default_factory=list, compare=False, repr=False)

    def compile(self) -> Step:
        """A step that opens the connection named by configKey, then runs the operation's template."""

        async def step(message: Message) -> bool:
            if self.config_key is not None:
                await self.connection(message, self.config_key.string(message) or "").run(message)
            return await self.run(message)

        return step

    async def run(self, message: Message) -> bool:
        """Run the template with the arguments as its parameters. Raises Fault."""
        template = message.deployment.connector_template(self.connector, self.operation)
        if template is None:
            raise Fault(0, f"<{self.connector}.{self.operation}>: the connector's archive is not deployed any more")
        given = {name: argument(message, value) for name, value in self.arguments}
        depth = len(message.func)
        try:
            message.func.append(parameters(template.parameters, given, template.name))
            return await template.chain.run(message)
        finally:
            del message.func[depth:]

    def connection(self, message: Message, key: str) -> LibraryCall:
        """The init operation in a local entry; read again only when the entry changed. Raises Fault."""
        entry = message.deployment.local_entry(key)
        if not hasattr(entry, "tag"):
            raise Fault(0, f"configKey {key!r}: a local entry with <{self.connector}.{INIT}> is expected")
        if not self.held or self.held[0][0] is not entry:
            self.held[:] = [(entry, self._read(entry, key))]
        return self.held[0][1]

    def _read(self, entry: Element, key: str) -> LibraryCall:
        if local(entry).lower() != f"{self.connector}.{INIT}".lower():
            raise Fault(0, f"configKey {key!r}: <{self.connector}.{INIT}> is expected, not <{local(entry)}>")
        try:
            made = parse_one(entry, Reader(f"local entry {key}"))
        except DeploymentError as error:
            raise Fault(0, str(error)) from error
        if not isinstance(made, LibraryCall):
            raise Fault(0, f"configKey {key!r}: the connection belongs to another connector {self.connector!r}")
        return made


@register_dotted
def read(element: Element, reader: Reader) -> LibraryCall | None:
    """A call of an installed archive; None when no archive has this connector."""
    connector, _, operation = local(element).partition(".")
    if connector.lower() not in libraries.installed:
        return None
    problem = libraries.refusal(connector, operation)
    if problem:
        raise reader.fail(element, problem)
    arguments = tuple(
        (local(item), compile_value(text_of(item), item, reader.place(item)))
        for item in children(element)
        if local(item) != "description"
    )
    return LibraryCall(
        **Mediator.common(element, reader),
        connector=connector,
        operation=operation,
        config_key=reader.optional_value(element, "configKey"),
        arguments=arguments,
    )
