"""foreach: runs a sequence on each piece of the message and puts the pieces back (reference 3.2)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Self

from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.expressions.json import JsonEval
from integrator.engine.mediators.base import Branch, Element, Mediator, Reader, Step, chain_of, register
from integrator.engine.mediators.foreach_collection import ForEachItem
from integrator.engine.mediators.split import json_items, put_json, xml_items
from integrator.engine.message import Message
from integrator.engine.sequence import Chain, note_fault
from integrator.engine.xmltools import child, clone, envelope, namespace

log = logging.getLogger("integrator.mediation")

FORBIDDEN = ("call", "callout", "send")


@register("foreach")
@dataclass(frozen=True, kw_only=True)
class ForEach(Mediator):
    """Expression, id and the sequence to run. `goes_on`: after a piece that failed, or stopped, the others have their turn."""

    expression: Expression
    id: str
    branch: Branch
    goes_on: bool

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element: the form with `collection`, or the older one."""
        if element.get("collection") is not None:
            return ForEachItem.parse(element, reader)  # type: ignore[return-value]
        inline = child(element, "sequence")
        if inline is None and not element.get("sequence"):
            raise reader.fail(element, "attribute 'sequence' or child <sequence> is required")
        branch = chain_of(element, reader) if inline is None else chain_of(inline, reader, "key")
        for item in branch.children:
            if item.tag in FORBIDDEN:
                raise reader.fail(item.source, f"<{item.tag}> is not allowed in the sequence of <foreach>")
        return cls(
            **cls.common(element, reader),
            expression=reader.path(element, "expression"),
            id=element.get("id") or "",
            branch=branch,
            goes_on=reader.flag(element, "continueLoopOnFailure"),
        )

    def children(self) -> tuple[Mediator, ...]:
        """Mediators of the inline sequence."""
        return self.branch.children

    @property
    def reads_content(self) -> bool:
        """Always."""
        return True

    def compile(self) -> Step:
        """A step that loops."""
        chain = Chain([(self.branch.compile("foreach"), False, self.place)], "foreach")
        prefix = f"{self.id}_" if self.id else ""

        async def step(message: Message) -> None:
            message.properties[f"{prefix}FOREACH_COUNTER"] = 0
            if isinstance(self.expression, JsonEval):
                await self._json(message, self.expression, chain, prefix)
            else:
                await self._xml(message, chain, prefix)

        return step

    async def _turn(self, chain: Chain, message: Message) -> bool:
        """Run the sequence for one piece; whether the next one has its turn."""
        return await chain.run(message) or self.goes_on

    def _told(self, message: Message, fault: Fault) -> None:
        """A piece failed: the loop goes on when the artifact says so. Raises the fault otherwise."""
        if not self.goes_on:
            raise fault
        note_fault(message, fault)
        log.error("%s: %s; the loop goes on", self.place, fault.message)

    async def _json(self, message: Message, expression: JsonEval, chain: Chain, prefix: str) -> None:
        items = json_items(expression, message)
        if not items:
            return
        original, kind = message.payload.json, message.payload.content_type
        message.properties[f"{prefix}FOREACH_ORIGINAL_MESSAGE"] = message.payload.json_text()
        done: list[Any] = []
        going = True
        for item in items:
            if going:
                message.payload.set_json(item)
                try:
                    going = await self._turn(chain, message)
                except Fault as fault:
                    self._told(message, fault)
                    continue
                message.properties[f"{prefix}FOREACH_COUNTER"] += 1
                item = message.payload.json
            done.append(item)
        message.payload.set_json(original)
        put_json(message, expression.compiled(message), done)
        message.payload.content_type = kind or message.payload.content_type

    async def _xml(self, message: Message, chain: Chain, prefix: str) -> None:
        items = xml_items(self.expression, message)
        if not items:
            return
        original = message.payload.envelope
        message.properties[f"{prefix}FOREACH_ORIGINAL_MESSAGE"] = clone(original)
        parent = items[0].getparent()
        kind, pox = message.payload.content_type, message.payload.pox
        going = True
        for item in items:
            item.getparent().remove(item)
            message.payload.set_envelope(envelope(namespace(original)))
            message.payload.set_root(clone(item))
            try:
                going = await self._turn(chain, message)
            except Fault as fault:
                self._told(message, fault)
            message.properties[f"{prefix}FOREACH_COUNTER"] += 1
            root = message.payload.root
            if root is not None:
                parent.append(clone(root))
            if not going:
                break
        message.payload.set_envelope(original)
        message.payload.content_type, message.payload.pox = kind, pox
