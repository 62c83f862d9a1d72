"""foreach: runs a sequence on each piece of the message and puts the pieces back (reference 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from integrator.engine.expressions import Expression
from integrator.engine.expressions.json import JsonEval
from integrator.engine.mediators.base import Branch, Element, Mediator, Reader, Step, chain_of, register
from integrator.engine.mediators.foreach_collection import ForEachItem
from integrator.engine.mediators.split import json_items, put_json, xml_items
from integrator.engine.message import Message
from integrator.engine.sequence import Chain
from integrator.engine.xmltools import child, clone, envelope, namespace, serialise

FORBIDDEN = ("call", "callout", "send")


@register("foreach")
@dataclass(frozen=True, kw_only=True)
class ForEach(Mediator):
    """Expression, id and the sequence to run."""

    expression: Expression
    id: str
    branch: Branch

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
                going = await chain.run(message)
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
        message.properties[f"{prefix}FOREACH_ORIGINAL_MESSAGE"] = serialise(original)
        parent = items[0].getparent()
        kind, pox = message.payload.content_type, message.payload.pox
        for item in items:
            item.getparent().remove(item)
            message.payload.set_envelope(envelope(namespace(original)))
            message.payload.set_root(clone(item))
            going = await chain.run(message)
            message.properties[f"{prefix}FOREACH_COUNTER"] += 1
            root = message.payload.root
            if root is not None:
                parent.append(clone(root))
            if not going:
                break
        message.payload.set_envelope(original)
        message.payload.content_type, message.payload.pox = kind, pox
