"""jsontransform: XML -> JSON with other output settings, or types by a schema (reference 3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from integrator.engine.content import jsonxml, media
from integrator.engine.content.payload import decode_json
from integrator.engine.expressions import Expression
from integrator.engine.expressions.keys import entry_of
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.mediators.log import log_properties
from integrator.engine.message import Message

PREFIX = "synapse.commons."


@register("jsontransform")
@dataclass(frozen=True, kw_only=True)
class JsonTransform(Mediator):
    """A schema key, output settings, or both."""

    schema: Expression | None
    properties: tuple[tuple[str, Expression], ...]

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("property", "description"))
        record = cls(
            **cls.common(element, reader),
            schema=reader.optional_value(element, "schema"),
            properties=log_properties(element, reader),
        )
        if record.schema is None and not record.properties:
            raise reader.fail(element, "attribute 'schema' or at least one child <property> is required")
        return record

    @property
    def reads_content(self) -> bool:
        """Always."""
        return True

    def compile(self) -> Step:
        """A step that converts the body to JSON."""
        return self.run

    def run(self, message: Message) -> None:
        """Convert, then coerce by the schema."""
        payload = message.payload
        if not payload.is_json and payload.root is not None:
            rules = jsonxml.rules_from(
                {name.removeprefix(PREFIX): value.string(message) or "" for name, value in self.properties}
            )
            payload.set_json(jsonxml.to_json(payload.root, rules))
        if self.schema is not None:
            schema = decode_json(entry_of(self.schema, message, "jsontransform: schema"))
            payload.set_json(coerce(payload.json, schema))
        message.set_type(media.JSON)


def coerce(value: Any, schema: Any) -> Any:
    """The value with the types that the schema asks for, where they can be had without loss."""
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind == "array":
        items = value if isinstance(value, list) else [value]
        return [coerce(item, schema.get("items", {})) for item in items]
    if kind == "object" and isinstance(value, dict):
        return {key: coerce(item, schema.get("properties", {}).get(key, {})) for key, item in value.items()}
    if kind in ("number", "integer", "boolean", "null") and isinstance(value, str):
        return jsonxml.primitive(value)
    if kind == "string" and isinstance(value, bool | int | float):
        return jsonxml.scalar_text(value)
    return value
