"""Branches that run on copies of a message and come together again: what scatter-gather and foreach share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from integrator.engine.content import jsonxml, media
from integrator.engine.content.payload import Payload
from integrator.engine.errors import Fault, Place
from integrator.engine.expressions import Expression
from integrator.engine.expressions.json import JsonEval
from integrator.engine.expressions.jsonpath import MISSING
from integrator.engine.mediators.base import Branch, Element, Reader
from integrator.engine.mediators.variable import set_variable
from integrator.engine.message import Message
from integrator.engine.sequence import Chain
from integrator.engine.xmltools import clone

PARALLEL = 64
"""Branches of one message that run at the same time."""


@dataclass
class Gathering:
    """What came back from the branches of one message, by branch."""

    arrived: dict[int, Message] = field(default_factory=dict)
    notice: Callable[[], None] = lambda: None


_current: ContextVar[tuple[Gathering, int]] = ContextVar("gathering")


def chain(branch: Branch, place: Place, name: str) -> Chain:
    """A branch that notes the message that reaches its end: it may be another than went in, after a split inside."""

    def note(message: Message) -> None:
        gathering, number = _current.get()
        gathering.arrived[number] = message
        gathering.notice()

    return Chain([(branch.compile(name), False, place), (note, False, place)], name)


async def run(chain: Chain, copy: Message, gathering: Gathering, number: int) -> None:
    """Run one branch; what reaches its end is in the gathering. Raises Fault."""
    token = _current.set((gathering, number))
    try:
        await chain.run(copy)
    finally:
        _current.reset(token)


async def run_all(
    work: Sequence[tuple[Chain, Message]], gathering: Gathering, *, parallel: bool, enough: Callable[[], bool]
) -> list[Fault]:
    """Run the branches until all ended or enough came back; the faults of those that failed."""
    faults: list[Fault] = []
    gate = asyncio.Semaphore(PARALLEL if parallel else 1)
    done = asyncio.Event()
    gathering.notice = lambda: done.set() if enough() else None

    async def one(number: int, chain: Chain, copy: Message) -> None:
        async with gate:
            if done.is_set():
                return
            try:
                await run(chain, copy, gathering, number)
            except Fault as fault:
                faults.append(fault)

    tasks = [asyncio.ensure_future(one(number, *each)) for number, each in enumerate(work)]
    ended = asyncio.ensure_future(done.wait())
    every = asyncio.gather(*tasks)
    try:
        await asyncio.wait((every, ended), return_when=asyncio.FIRST_COMPLETED)
        if every.done():
            every.result()
    finally:
        for task in (ended, *tasks):
            task.cancel()
        await asyncio.gather(ended, every, return_exceptions=True)
    return faults


def copy_of(message: Message) -> Message:
    """A copy that goes on nowhere after its branch."""
    copy = message.copy()
    copy.frames = []
    return copy


def copy_with(message: Message, item: Any) -> Message:
    """A copy whose body is one piece: a JSON value or an element. The message's own body is not copied."""
    held, message.payload = message.payload, Payload()
    try:
        copy = copy_of(message)
    finally:
        message.payload = held
    if hasattr(item, "tag"):
        copy.payload.content_type = media.XML
        copy.payload.set_root(clone(item))
        copy.payload.pox = True
    else:
        copy.payload.set_json(item)
    copy.set_type(media.XML if hasattr(item, "tag") else media.JSON)
    return copy


@dataclass(frozen=True)
class Outcome:
    """Where the result goes and in which form: the variable (none: the body), JSON or XML, and its enclosing element."""

    variable: str
    xml: bool
    root: str

    @classmethod
    def parse(cls, element: Element, reader: Reader, variable: str) -> Outcome:
        """Read the attributes of form. Raises DeploymentError."""
        kind = _first(element, "result-content-type", "content-type", "result-type")
        form = reader.choice(element, kind, ("JSON", "XML"), "JSON") if kind else "JSON"
        root = element.get("result-enclosing-element") or element.get("root-element") or ""
        if form == "XML" and not _is_name(root):
            raise reader.fail(
                element, f"attribute result-enclosing-element={root!r}: the name of an XML element is required"
            )
        return cls(variable, form == "XML", root)

    def put(self, message: Message, values: list[Any]) -> None:
        """Put the values into the body or the variable. Raises Fault."""
        made = self._xml(values) if self.xml else [as_json(value) for value in values]
        if self.variable:
            set_variable(message, self.variable, made)
        elif self.xml:
            message.payload.discard()
            message.payload.content_type, message.payload.pox = media.XML, True
            message.payload.set_root(made)
            message.set_type(media.XML)
        else:
            message.payload.set_json(made)
            message.set_type(media.JSON)

    def _xml(self, values: list[Any]) -> Element:
        root = etree.Element(self.root)
        for value in values:
            for node in value if isinstance(value, list) else [value]:
                if not hasattr(node, "tag"):
                    raise Fault(
                        0, "an XML result takes elements: let the expression select them, as ${xpath('//a')} does"
                    )
                root.append(clone(node))
        return root


def taken(message: Message, expression: Expression | None, xml: bool) -> Any:
    """What an expression takes from a branch's message, the body without one. Raises Fault when it leads nowhere."""
    if expression is None:
        return message.payload.root if xml or not message.payload.is_json else message.payload.json
    if expression.text.strip() in ("${payload}", "${$}") and (xml or not message.payload.is_json):
        return message.payload.root
    found = expression.found(message) if isinstance(expression, JsonEval) else expression.value(message)
    if found is MISSING or found == "":
        raise Fault(0, f"could not find what {expression.text!r} selects in a branch's message")
    return found


def as_json(value: Any) -> Any:
    """A value in JSON; elements are mapped."""
    if hasattr(value, "tag"):
        return jsonxml.to_json(value)
    if isinstance(value, list) and value and hasattr(value[0], "tag"):
        mapped = [jsonxml.to_json(node) for node in value if hasattr(node, "tag")]
        return mapped[0] if len(mapped) == 1 else mapped
    return value


def _first(element: Element, *names: str) -> str:
    return next((name for name in names if element.get(name)), "")


def _is_name(text: str) -> bool:
    try:
        etree.QName(text)
    except ValueError:
        return False
    return bool(text) and ":" not in text
