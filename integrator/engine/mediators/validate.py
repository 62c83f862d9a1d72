"""validate: checks the payload against JSON Schema or XML Schema (reference 3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from lxml import etree

from integrator.engine.content.payload import decode_json
from integrator.engine.errors import BadPayload, Fault
from integrator.engine.expressions import Expression
from integrator.engine.expressions.json import JsonEval
from integrator.engine.expressions.jsonpath import MISSING
from integrator.engine.expressions.keys import entry_of
from integrator.engine.expressions.scopes import set_error
from integrator.engine.mediators.base import Branch, Element, Mediator, Reader, Step, chain_of, register
from integrator.engine.message import Message
from integrator.engine.patterns import PatternError, kept
from integrator.engine.resources import Known, read_resources
from integrator.engine.xmltools import XmlError, child, children, local, parse


@register("validate")
@dataclass(frozen=True, kw_only=True)
class Validate(Mediator):
    """Source, schemas and what runs on failure."""

    origin: Expression | None
    schemas: tuple[Expression, ...]
    on_fail: Branch
    resources: tuple[tuple[str, Expression], ...] = ()

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("schema", "resource", "feature", "property", "on-fail", "description"))
        reader.flag(element, "cache-schema", True)
        for item in children(element):
            if local(item) == "feature":
                reader.required(item, "name")
                reader.flag(item, "value")
        schemas = tuple(reader.value(item, "key") for item in children(element) if local(item) == "schema")
        on_fail = child(element, "on-fail")
        if not schemas:
            raise reader.fail(element, "at least one child <schema> is required")
        if on_fail is None or not children(on_fail):
            raise reader.fail(element, "child <on-fail> with at least one mediator is required")
        return cls(
            **cls.common(element, reader),
            origin=reader.optional_path(element, "source"),
            schemas=schemas,
            on_fail=chain_of(on_fail, reader),
            resources=read_resources(element, reader),
        )

    def children(self) -> tuple[Mediator, ...]:
        """Mediators of on-fail."""
        return self.on_fail.children

    @property
    def reads_content(self) -> bool:
        """Always."""
        return True

    def compile(self) -> Step:
        """A step that validates; compiled schemas are kept as long as their text stays the same."""
        failed = self.on_fail.compile("on-fail")
        kept: dict[str, Any] = {}

        def step(message: Message) -> Any:
            texts = [entry_of(key, message, "validate: schema") for key in self.schemas]
            problems = (
                self._json(message, texts[-1], kept) if message.payload.is_json else self._xml(message, texts, kept)
            )
            if not problems:
                return None
            set_error(message, 0, problems[0] if message.payload.is_json else "\n".join(problems), "\n".join(problems))
            return failed(message)

        return step

    def _json(self, message: Message, text: str, kept: dict[str, Any]) -> list[str]:
        validator = kept.get(text)
        if validator is None:
            kept.clear()
            validator = kept[text] = json_validator(text)
        value = message.payload.json
        if isinstance(self.origin, JsonEval):
            value = self.origin.found(message)
            if value is MISSING:
                return [f"the source {self.origin.text} leads nowhere"]
        return [describe(error) for error in validator.iter_errors({} if value is None else value)]

    def _xml(self, message: Message, texts: list[str], kept: dict[str, Any]) -> list[str]:
        node = message.payload.root
        if self.origin is not None:
            node = next((item for item in self.origin.nodes(message) if hasattr(item, "tag")), None)
        if node is None:
            return ["there is nothing to validate"]
        others = {location: entry_of(key, message, "validate: schema") for location, key in self.resources}
        joined = "\n".join((*texts, *others.values()))
        if joined not in kept:
            kept.clear()
            kept[joined] = [xml_schema(text, others) for text in texts]
        document = etree.fromstring(etree.tostring(node, with_tail=False))
        problems: list[str] = []
        for schema in kept[joined]:
            if schema.validate(document):
                return []
            problems += [f"line {entry.line}: {entry.message}" for entry in schema.error_log]
        return problems


def describe(error: Any) -> str:
    """One violation with the place in the document."""
    return f"{error.json_path}: {error.message}"


def json_validator(text: str) -> Any:
    """A validator for schema text; draft 4 when the schema names none. Raises Fault."""
    import jsonschema  # noqa: PLC0415  (a quarter of a second at start that few homes need)

    try:
        schema = decode_json(text)
        cls = jsonschema.validators.validator_for(schema, default=jsonschema.Draft4Validator)
        cls.check_schema(schema)
    except (BadPayload, jsonschema.SchemaError) as error:
        raise Fault(0, f"validate: bad JSON schema: {getattr(error, 'message', error)}") from error
    return jsonschema.validators.extend(cls, BOUNDED)(schema)


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:
    if validator.is_type(instance, "string") and not _found(pattern, instance):
        yield _violation(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if validator.is_type(instance, "object"):
        for pattern, inner in patterns.items():
            for name, value in instance.items():
                if _found(pattern, name):
                    yield from validator.descend(value, inner, path=name, schema_path=pattern)


def _additional_properties(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not validator.is_type(instance, "object"):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extras = [name for name in instance if name not in named and not any(_found(text, name) for text in patterns)]
    if validator.is_type(rule, "object"):
        for name in extras:
            yield from validator.descend(instance[name], rule, path=name)
    elif rule is False and extras:
        verb = "was" if len(extras) == 1 else "were"
        named_extras = ", ".join(repr(name) for name in sorted(extras))
        yield _violation(f"Additional properties are not allowed ({named_extras} {verb} unexpected)")


def _found(pattern: str, text: str) -> bool:
    try:
        return kept(pattern, anywhere=True).search(text) is not None
    except PatternError as error:
        raise Fault(0, f"validate: bad JSON schema: pattern {pattern!r}: {error}") from error


def _violation(message: str) -> Any:
    import jsonschema  # noqa: PLC0415  (see json_validator)

    return jsonschema.ValidationError(message)


BOUNDED = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
}
"""Keywords with regular expressions, on engines that hostile texts do not keep busy."""


def xml_schema(text: str, others: dict[str, str] | None = None) -> Any:
    """A compiled XML schema; `others` holds what it includes or imports, by location. Raises Fault."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    parser.resolvers.add(Known(others or {}))
    try:
        parse(text)
        return etree.XMLSchema(etree.fromstring(text.encode(), parser))
    except (XmlError, etree.XMLSchemaParseError) as error:
        raise Fault(0, f"validate: bad XML schema: {error}") from error
