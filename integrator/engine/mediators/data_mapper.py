"""datamapper: runs a mapping written as JavaScript between two schemas, shut in and bounded (reference 3.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self

from integrator.engine.content import mapping, media
from integrator.engine.content.payload import decode_json, encode_json
from integrator.engine.errors import BadPayload, Fault
from integrator.engine.expressions import Expression, scopes
from integrator.engine.expressions.keys import entry_of, key_of
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.mediators.xslt import transform
from integrator.engine.message import Message
from integrator.engine.xmltools import parse, serialise
from wire.sandbox import Limits, Sandbox, ScriptError

KINDS = ("XML", "JSON", "CSV")
LIMITS = Limits(memory=64 * 1024 * 1024, stack=512 * 1024, seconds=5.0, processes=2, waiting=256, wait_s=60.0)
SANDBOX = Sandbox(LIMITS)

SCOPES = {
    "DEFAULT": "default",
    "SYNAPSE": "default",
    "AXIS2": "axis2",
    "AXIS2CLIENT": "axis2-client",
    "TRANSPORT": "transport",
    "OPERATION": "operation",
    "FUNC": "func",
}
_FUNCTION = re.compile(r"\b(map_[SL]_([\w$]+?)_[SL]_([\w$]+))\s*(?:=\s*function|\()")
_PROPERTY = re.compile(r"""DM_PROPERTIES\.([A-Z0-9]+)(?:\[\s*(['"])(.+?)\2\s*\]|\.([A-Za-z_$][\w$]*))""")
_NOT_WORD = re.compile(r"\W")


@register("datamapper")
@dataclass(frozen=True, kw_only=True)
class DataMapper(Mediator):
    """Keys of script, schemas and style sheet, and the two forms."""

    config: Expression
    input_schema: Expression
    output_schema: Expression
    sheet: Expression | None
    reads: str
    writes: str

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("description",))
        for name in ("inputType", "outputType"):
            reader.required(element, name)
        return cls(
            **cls.common(element, reader),
            config=reader.value(element, "config"),
            input_schema=reader.value(element, "inputSchema"),
            output_schema=reader.value(element, "outputSchema"),
            sheet=reader.optional_value(element, "xsltStyleSheet"),
            reads=reader.choice(element, "inputType", KINDS, "JSON"),
            writes=reader.choice(element, "outputType", KINDS, "JSON"),
        )

    @property
    def reads_content(self) -> bool:
        """Always."""
        return True

    def compile(self) -> Step:
        """A step that maps the body."""
        return self.run

    async def run(self, message: Message) -> None:
        """Map, and put the result into the body. Raises Fault."""
        script = entry_of(self.config, message, "datamapper")
        source = mapping.Shape(decode_schema(entry_of(self.input_schema, message, "datamapper")))
        target = mapping.Shape(decode_schema(entry_of(self.output_schema, message, "datamapper")))
        sheet = self._compatible_sheet(message)
        run = message.deployment.runtime.run
        if sheet is not None:
            root = message.payload.root
            text = "" if root is None else serialise(root)
            finish_xml(message, parse(await run(transform, sheet, text.encode(), {})))
            return
        given = encode_json(self._input(message, source)).decode()
        properties = encode_json(read_properties(message, script)).decode()
        value = decode_json(await evaluate(script, source.title, target.title, given, properties))
        self._finish(message, value, target)

    def _compatible_sheet(self, message: Message) -> str | None:
        if self.sheet is None or (self.reads, self.writes) != ("XML", "XML"):
            return None
        text = message.deployment.entry_text(key_of(self.sheet, message))
        if not text or not text.strip() or "notXSLTCompatible" in text:
            return None
        return text

    def _input(self, message: Message, shape: mapping.Shape) -> Any:
        payload = message.payload
        if self.reads == "JSON":
            return payload.json
        root = payload.root
        if root is None:
            raise BadPayload("datamapper: there is no body to map")
        return mapping.from_xml(root, shape) if self.reads == "XML" else mapping.from_csv(root.text or "", shape)

    def _finish(self, message: Message, value: Any, shape: mapping.Shape) -> None:
        if self.writes == "JSON":
            message.payload.set_json(value)
            message.set_type(media.JSON)
        elif self.writes == "XML":
            finish_xml(message, mapping.to_xml(value, shape))
        else:
            message.payload.set_text(mapping.to_csv(value))
            message.set_type(media.TEXT)


def finish_xml(message: Message, root: Element) -> None:
    """The element becomes the body; a SOAP message stays one."""
    payload = message.payload
    if payload.family not in (media.XML, media.SOAP11, media.SOAP12):
        payload.discard()
        payload.content_type, payload.pox = media.XML, True
    payload.set_root(root)
    message.set_type(payload.media)


def decode_schema(text: str) -> Any:
    """A schema's JSON. Raises Fault."""
    try:
        return decode_json(text)
    except BadPayload as error:
        raise Fault(0, f"datamapper: bad schema: {error}") from error


def read_properties(message: Message, script: str) -> dict[str, dict[str, Any]]:
    """The properties that the script names, and no others."""
    found: dict[str, dict[str, Any]] = {name: {} for name in SCOPES}
    for match in _PROPERTY.finditer(script):
        scope, name = match.group(1), match.group(3) or match.group(4)
        if scope == "AXIS2CLIENT":
            value = message.client_options.get(name)
        elif scope in SCOPES:
            value = scopes.read(message, SCOPES[scope], name)
        else:
            raise Fault(0, f"datamapper: DM_PROPERTIES.{scope}: allowed are {', '.join(SCOPES)}")
        plain = isinstance(value, str | bool | int | float)
        found[scope][name] = value if plain or value is None else scopes.as_text(value)
    return found


def function_of(script: str, source: str, target: str) -> tuple[str, str]:
    """Name of the mapping function, and of its input in it. Raises Fault."""
    names = [(match.group(1), match.group(2), match.group(3)) for match in _FUNCTION.finditer(script)]
    if not names:
        raise Fault(0, "datamapper: the script defines no function map_S_INPUT_S_OUTPUT")
    wanted = (_NOT_WORD.sub("_", source), _NOT_WORD.sub("_", target))
    name, given, _ = next((item for item in names if item[1:] == wanted), names[0])
    return name, given


async def evaluate(script: str, source: str, target: str, given: str, properties: str) -> str:
    """JSON text of what the mapping makes of JSON text, in an engine that has nothing else. Raises Fault."""
    name, variable = function_of(script, source, target)
    steps = [
        ("set __input", given),
        ("set __properties", properties),
        ("eval", f"var DM_PROPERTIES = JSON.parse(__properties), input{variable} = JSON.parse(__input);"),
        ("eval", script),
        ("eval", f"JSON.stringify({name}())"),
    ]
    try:
        result = await SANDBOX.run(steps)
    except ScriptError as error:
        raise Fault(0, f"datamapper: the mapping failed: {str(error)[:500]}") from None
    if result is None:
        raise Fault(0, f"datamapper: {name} returned nothing")
    return result
