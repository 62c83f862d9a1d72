"""smooks: CSV or EDI text to XML by a Smooks configuration; what else such a configuration can do is refused (reference 3.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from integrator.engine.content import media
from integrator.engine.content.smooks import SmooksReader, read_configuration
from integrator.engine.content.writers import text_content, write
from integrator.engine.errors import BadPayload, DeploymentError, Fault
from integrator.engine.expressions import Expression
from integrator.engine.expressions.scopes import element_of, is_true
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.message import Message
from integrator.engine.xmltools import child, serialise

ACTIONS = ("add", "replace", "sibling")


@dataclass(frozen=True)
class Output:
    """Where the result goes: the body, a property, or beside or instead of what an expression selects."""

    text: bool = False
    path: Expression | None = None
    name: str = ""
    action: str = "replace"


@register("smooks")
@dataclass(frozen=True, kw_only=True)
class Smooks(Mediator):
    """Key of the configuration, what is read and where it goes."""

    key: str
    origin: Expression | None
    output: Output
    held: list[tuple[str, SmooksReader]] = field(default_factory=list, compare=False, repr=False)

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element; output counts only with an input, as there."""
        reader.only(element, ("input", "output", "description"))
        if element.get("persistence-unit"):
            raise reader.fail(element, "attribute persistence-unit: there is no JPA here; use <dbreport>")
        origin, output = child(element, "input"), child(element, "output")
        if origin is not None:
            reader.choice(origin, "type", ("xml", "text"), "xml")
        return cls(
            **cls.common(element, reader),
            key=reader.required(element, "config-key"),
            origin=reader.optional_path(origin, "expression") if origin is not None else None,
            output=read_output(output, reader) if origin is not None and output is not None else Output(),
        )

    @property
    def reads_content(self) -> bool:
        """The text is in the body unless an expression names it."""
        return True

    def compile(self) -> Step:
        """A step that reads the text on a worker thread."""

        async def step(message: Message) -> None:
            reader = self.reader(message)
            text = self.origin.string(message) or "" if self.origin is not None else text_of_body(message)
            root = await message.deployment.runtime.run(reader.read, text)
            if not is_true(message.properties.get("DISABLE_SMOOKS_RESULT_PAYLOAD")):
                self.store(message, root)

        return step

    def reader(self, message: Message) -> SmooksReader:
        """The reader behind the key, made again when its text changes. Raises Fault."""
        text = message.deployment.entry_text(self.key)
        if text is None:
            raise Fault(0, f"smooks: {self.key!r} is neither a local entry nor in the registry")
        if not self.held or self.held[0][0] != text:
            try:
                self.held[:] = [(text, read_configuration(text, self.key, message.deployment.entry_text))]
            except DeploymentError as error:
                raise Fault(0, str(error)) from error
        return self.held[0][1]

    def store(self, message: Message, root: Element) -> None:
        """Put the result where the output says. Raises Fault when its expression selects no element."""
        output = self.output
        if output.name:
            message.properties[output.name] = serialise(root) if output.text else [root]
        elif output.path is not None:
            spot: Any = element_of(output.path.value(message))
            if spot is None or (output.action != "add" and spot.getparent() is None):
                raise Fault(0, f"smooks: output expression {output.path.text!r} gives no element")
            if output.action == "add":
                spot.append(root)
            elif output.action == "sibling":
                spot.addnext(root)
            else:
                root.tail = spot.tail
                spot.getparent().replace(spot, root)
            message.payload.xml_changed()
        elif output.text:
            message.payload.set_text(serialise(root))
            message.set_type(media.TEXT)
        else:
            message.payload.discard()
            message.payload.content_type, message.payload.pox = media.XML, True
            message.payload.set_root(root)
            message.set_type(media.XML)


def text_of_body(message: Message) -> str:
    """The body as text, whatever it came as. Raises BadPayload."""
    payload = message.payload
    if payload.data is not None and payload.family not in (media.XML, media.SOAP11, media.SOAP12):
        return payload.data.decode(media.charset(payload.content_type), "replace")
    root = None if payload.is_json else payload.root
    if root is not None:
        return text_content(root)
    try:
        return write(payload, media.TEXT)[0].decode()
    except UnicodeDecodeError as error:
        raise BadPayload(f"smooks: the body is no text: {error}") from error


def read_output(element: Element, reader: Reader) -> Output:
    """The output element."""
    kind = reader.choice(element, "type", ("xml", "text"), "xml")
    return Output(
        kind == "text",
        reader.optional_path(element, "expression", "xml"),
        element.get("property") or "",
        reader.choice(element, "action", ACTIONS, "replace"),
    )
