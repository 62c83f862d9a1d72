"""iterate: splits the message and sends each piece to a target (reference 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from integrator.engine.content import media
from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.expressions.json import JsonEval
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.mediators.split import json_items, put_json, xml_items
from integrator.engine.mediators.target import Target, mark_piece, read_target, scatter
from integrator.engine.message import Message
from integrator.engine.xmltools import child, clone, envelope, namespace


@register("iterate")
@dataclass(frozen=True, kw_only=True)
class Iterate(Mediator):
    """What to split on, where a piece goes, and how the pieces run."""

    id: str
    expression: Expression
    attach: Expression | None
    preserve: bool
    continue_parent: bool
    sequential: bool
    target: Target

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("target", "description"))
        target = child(element, "target")
        if target is None:
            raise reader.fail(element, "child <target> is required")
        preserve = reader.flag(element, "preservePayload")
        if element.get("attachPath") and not preserve:
            raise reader.fail(element, "attribute 'attachPath' needs preservePayload='true'")
        expression, attach = reader.path(element, "expression"), reader.optional_path(element, "attachPath")
        if attach is not None and isinstance(attach, JsonEval) is not isinstance(expression, JsonEval):
            raise reader.fail(element, "attribute 'attachPath' must be written in the language of 'expression'")
        return cls(
            **cls.common(element, reader),
            id=element.get("id") or "",
            expression=expression,
            attach=attach,
            preserve=preserve,
            continue_parent=reader.flag(element, "continueParent"),
            sequential=reader.flag(element, "sequential"),
            target=read_target(target, reader),
        )

    def children(self) -> tuple[Mediator, ...]:
        """Mediators of the inline target."""
        return self.target.children()

    @property
    def reads_content(self) -> bool:
        """Always."""
        return True

    def compile(self) -> Step:
        """A step that splits and runs."""
        run = self.target.compile(self)

        async def step(message: Message) -> bool:
            copies = self.json_copies(message) if isinstance(self.expression, JsonEval) else self.xml_copies(message)
            for number, copy in enumerate(copies):
                mark_piece(copy, message, self.id, number, len(copies))
            return await scatter(message, [(copy, run) for copy in copies], self.sequential, self.continue_parent)

        return step

    def json_copies(self, message: Message) -> list[Message]:
        """One message per array element."""
        assert isinstance(self.expression, JsonEval)
        items = json_items(self.expression, message)
        if items is None:
            raise Fault(0, f"iterate: {self.expression.text!r} selects nothing")
        return [self._json_copy(message, self.expression, item) for item in list(items)]

    def _json_copy(self, message: Message, expression: JsonEval, item: Any) -> Message:
        copy = message.copy(None if self.preserve else message.payload.blank())
        if self.preserve:
            put_json(copy, expression.compiled(message), [])
            path = self.attach.compiled(message) if isinstance(self.attach, JsonEval) else expression.compiled(message)
            put_json(copy, path, item)
        else:
            copy.payload.set_json(item)
        return copy

    def xml_copies(self, message: Message) -> list[Message]:
        """One message per matching element."""
        items = [clone(item) for item in xml_items(self.expression, message)]
        return [self._xml_copy(message, item) for item in items]

    def _xml_copy(self, message: Message, item: Element) -> Message:
        copy = message.copy(None if self.preserve else message.payload.blank())
        if self.preserve:
            for match in xml_items(self.expression, copy):
                match.getparent().remove(match)
            places = xml_items(self.attach, copy) if self.attach else [copy.payload.body]
            if not places:
                raise Fault(0, f"iterate: attachPath {self.attach.text if self.attach else ''!r} selects nothing")
            places[0].append(item)
            copy.payload.xml_changed()
            return copy
        pox, kind = copy.payload.pox, copy.payload.content_type
        copy.payload.set_envelope(envelope(namespace(message.payload.envelope)))
        copy.payload.set_root(item)
        copy.payload.pox = pox
        copy.payload.content_type = kind if copy.payload.family != media.FORM else media.XML
        return copy
