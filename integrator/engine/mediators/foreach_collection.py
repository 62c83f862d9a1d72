"""foreach with `collection`: runs any sequence on each item and puts the results together (reference 3.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression
from integrator.engine.expressions.json import JsonEval
from integrator.engine.expressions.jsonpath import MISSING
from integrator.engine.mediators import gather
from integrator.engine.mediators.base import Branch, Element, Mediator, Reader, Step, chain_of
from integrator.engine.mediators.split import put_json
from integrator.engine.mediators.variable import set_variable
from integrator.engine.message import Message
from integrator.engine.sequence import Chain, run_fault
from integrator.engine.xmltools import child, clone

_VARIABLE = re.compile(r"\$\{\s*vars?\.(\w+)((?:\.\w+)*)\s*\}")


@dataclass(frozen=True, kw_only=True)
class ForEachItem(Mediator):
    """The collection, the sequence, how the items run, and where the results go (no outcome: back into the collection)."""

    collection: Expression
    branch: Branch
    parallel: bool
    counter: str
    outcome: gather.Outcome | None
    apart: bool

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        inline = child(element, "sequence")
        if inline is None and not element.get("sequence"):
            raise reader.fail(element, "attribute 'sequence' or child <sequence> is required")
        collection = reader.path(element, "collection")
        apart = reader.flag(element, "continue-without-aggregation")
        variable = element.get("target-variable") or element.get("variable-name") or ""
        update = reader.flag(element, "update-original", not variable)
        if not update and not apart and not variable:
            raise reader.fail(element, "attribute 'target-variable' is required with update-original='false'")
        if update and not apart and not _may_be_updated(collection):
            raise reader.fail(
                element,
                f"attribute collection={collection.text!r}: with update-original='true' allowed are paths into the body or "
                "${vars.name.…}; else use update-original='false' and target-variable",
            )
        return cls(
            **cls.common(element, reader),
            collection=collection,
            branch=chain_of(element, reader) if inline is None else chain_of(inline, reader, "key"),
            parallel=reader.flag(element, "parallel-execution", True),
            counter=element.get("counter-variable") or "",
            outcome=None if update else gather.Outcome.parse(element, reader, variable or "_"),
            apart=apart,
        )

    def children(self) -> tuple[Mediator, ...]:
        """Mediators of the inline sequence."""
        return self.branch.children

    @property
    def reads_content(self) -> bool:
        """The copies carry pieces of the body."""
        return True

    def compile(self) -> Step:
        """A step that runs the items."""
        chain = gather.chain(self.branch, self.place, "foreach")

        async def step(message: Message) -> None:
            items, put_back = self._items(message)
            copies = [self._copy(message, item, number) for number, item in enumerate(items)]
            if self.apart:
                message.flow.tasks.add(message.deployment.runtime.spawn(self._beside(message, chain, copies)))
                return
            results = await self._results(chain, copies)
            if self.outcome is not None:
                self.outcome.put(message, [_body(each) for each in results])
            else:
                put_back([_body(each) for each in results])

        return step

    def _copy(self, message: Message, item: Any, number: int) -> Message:
        copy = gather.copy_with(message, item)
        if self.counter:
            set_variable(copy, self.counter, number)
        return copy

    async def _results(self, chain: Chain, copies: list[Message]) -> list[Message]:
        """The messages as they are after the sequence, in order. Raises Fault when a sequence fails."""
        gathering = gather.Gathering()
        work = [(chain, copy) for copy in copies]
        faults = await gather.run_all(work, gathering, parallel=self.parallel, enough=lambda: False)
        if faults:
            raise faults[0]
        return [gathering.arrived[number] for number in sorted(gathering.arrived)]

    async def _beside(self, message: Message, chain: Chain, copies: list[Message]) -> None:
        try:
            await self._results(chain, copies)
        except Fault as fault:
            await run_fault(message.copy(), fault)

    def _items(self, message: Message) -> tuple[list[Any], Callable[[list[Any]], None]]:
        """The items, and how results take their place. Raises Fault when there is no collection."""
        collection = self.collection
        found = collection.found(message) if isinstance(collection, JsonEval) else collection.value(message)
        if isinstance(found, list) and any(hasattr(item, "tag") for item in found):
            nodes = [item for item in found if hasattr(item, "tag")]
            return nodes, lambda results: _put_nodes(message, nodes, results)
        if hasattr(found, "tag"):
            return [found], lambda results: _put_nodes(message, [found], results)
        if found is MISSING or found is None or found in ("", []):
            return [], lambda results: None
        if not isinstance(found, list):
            raise Fault(0, f"foreach: {collection.text!r} must select an array, it selects {type(found).__name__}")
        return found, lambda results: self._put_values(message, [gather.as_json(result) for result in results])

    def _put_values(self, message: Message, results: list[Any]) -> None:
        if isinstance(self.collection, JsonEval):
            put_json(message, self.collection.compiled(message), results)
            return
        named = _VARIABLE.fullmatch(self.collection.text)
        assert named is not None
        keys = [key for key in named.group(2).split(".") if key]
        variables = message.variables or {}
        set_variable(message, named.group(1), _replaced(variables.get(named.group(1)), keys, results))


def _may_be_updated(collection: Expression) -> bool:
    if isinstance(collection, JsonEval):
        return collection.source is None
    return (
        not collection.text.startswith("${")
        or "xpath(" in collection.text
        or bool(_VARIABLE.fullmatch(collection.text))
    )


def _replaced(value: Any, keys: list[str], results: list[Any]) -> Any:
    """The value with the results at the end of the keys; what else holds it does not change."""
    if not keys:
        return results
    return {**value, keys[0]: _replaced(value[keys[0]], keys[1:], results)}


def _body(message: Message) -> Any:
    return message.payload.json if message.payload.is_json else message.payload.root


def _put_nodes(message: Message, nodes: list[Element], results: list[Any]) -> None:
    for node, result in zip(nodes, results, strict=False):
        if not hasattr(result, "tag"):
            raise Fault(0, "foreach: an item of XML must stay XML; use target-variable for other results")
        made = clone(result)
        made.tail = node.tail
        node.getparent().replace(node, made)
    for node in nodes[len(results) :]:
        node.getparent().remove(node)
    message.payload.xml_changed()
