"""call: sends the message and goes on with the answer (reference 3.2)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from lxml import etree

from integrator.engine.endpoints.base import Endpoint
from integrator.engine.endpoints.groups import anonymous_default
from integrator.engine.endpoints.ntlm import NTLM
from integrator.engine.endpoints.parse import endpoint_of
from integrator.engine.errors import BLOCKING_CALL_FAILED, BLOCKING_CALL_NOT_SENT, CALL_FAILED, BadPayload, Fault
from integrator.engine.expressions import Expression, compile_path
from integrator.engine.expressions.scopes import MARK, is_true
from integrator.engine.expressions.values import text_of
from integrator.engine.headers import Headers
from integrator.engine.mediators.base import Element, Mediator, Reader, Step, register
from integrator.engine.mediators.send import exchange, send_only
from integrator.engine.message import Message
from integrator.engine.sequence import resume, run_fault
from integrator.engine.xmltools import child, children, clone, serialise
from integrator.engine.xmltools import text_of as element_text


@dataclass(frozen=True)
class Source:
    """What is sent instead of the body."""

    kind: str
    content_type: str
    name: str
    path: Expression | None
    inline: str

    def apply(self, message: Message) -> None:
        """Put it into the message."""
        kind = self.content_type or message.payload.content_type
        if self.kind != "body":
            text = self.inline
            if self.kind == "property":
                text = text_of(message.properties.get(self.name)) or ""
            elif self.path is not None:
                value = self.path.value(message)
                first = value[0] if isinstance(value, list) and value else value
                text = serialise(first) if hasattr(first, "tag") else self.path.string(message) or ""
            message.payload.discard()
            message.payload.data = text.encode()
            message.payload.content_type = kind
            message.payload.pox = True
        if self.content_type:
            message.set_type(self.content_type)


@register("call")
@dataclass(frozen=True, kw_only=True)
class Call(Mediator):
    """Endpoint, blocking, and where content comes from and goes to."""

    endpoint: Endpoint | None
    blocking: bool
    keeps_options: bool
    origin: Source | None
    target: str | None

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("endpoint", "source", "target", "description"))
        target = child(element, "target")
        name = None
        if target is not None and reader.choice(target, "type", ("body", "property"), "body") == "property":
            name = element_text(target)
            if not name:
                raise reader.fail(target, "the name of the target property is required as text")
        return cls(
            **cls.common(element, reader),
            endpoint=endpoint_of(element, reader),
            blocking=reader.flag(element, "blocking"),
            keeps_options=not reader.flag(element, "initAxis2ClientOptions", True),
            origin=read_source(child(element, "source"), reader),
            target=name,
        )

    @property
    def reads_content(self) -> bool:
        """With a source or target the original body is kept, so it has to be read."""
        return self.origin is not None or self.target is not None

    def compile(self) -> Step:
        """A step that calls and returns with the answer in the message."""
        endpoint = self.endpoint or anonymous_default()
        if self.origin is None and self.target is None:
            return partial(self.run, endpoint=endpoint)

        async def step(message: Message) -> bool:
            working = message.copy()
            working.frames = message.frames
            if self.origin is not None:
                self.origin.apply(working)
            going = await self.run(working, endpoint)
            await self._store(message, working)
            return going

        return step

    async def run(self, message: Message, endpoint: Endpoint) -> bool:
        """Send; whether the flow goes on."""
        recipients = endpoint.recipients(message)
        if recipients is not None:
            return await self._all(message, list(recipients))
        if is_true(message.properties.get("OUT_ONLY")):
            await message.payload.read()
            await send_only(message.copy(), endpoint)
            return True
        direction = message.response
        if not self.blocking:
            message.suspended = True
            try:
                return await exchange(message, endpoint)
            except Fault as fault:
                if fault.code or isinstance(fault, BadPayload):
                    raise
                raise Fault(CALL_FAILED, fault.message, fault.detail) from fault
        if self.keeps_options and NTLM in message.client_options:
            message.axis2[NTLM], message.axis2[MARK] = message.client_options[NTLM], True
        sent = message.headers if is_true(message.properties.get("BLOCKING_SENDER_PRESERVE_REQ_HEADERS")) else None
        try:
            going = await exchange(message, endpoint)
        except Fault as fault:
            message.axis2.pop(NTLM, None)
            message.properties["blocking.sender.error"] = "true"
            code = BLOCKING_CALL_FAILED if fault.code else BLOCKING_CALL_NOT_SENT
            raise Fault(code, fault.message, fault.detail) from fault
        if sent is not None:
            keep_headers(message, sent)
        message.response = direction
        status = int(message.axis2.get("HTTP_SC") or 200)
        if status >= 400:
            message.properties["blocking.sender.error"] = "true"
            raise Fault(BLOCKING_CALL_FAILED, f"Transport error: {status} Error: {message.axis2.get('HTTP_SC_DESC')}")
        return going

    async def _all(self, message: Message, recipients: list[Endpoint]) -> bool:
        await message.payload.read()
        copies = [message.copy() for _ in recipients]
        for number, copy in enumerate(copies):
            copy.properties["messageSequence"] = f"{number}/{len(copies)}"
            copy.properties["aggregateCorelation"] = message.id
        await asyncio.gather(*(self._one(copy, member) for copy, member in zip(copies, recipients, strict=True)))
        return False

    async def _one(self, copy: Message, endpoint: Endpoint) -> None:
        try:
            if await exchange(copy, endpoint):
                await resume(copy)
        except Fault as fault:
            await run_fault(copy, fault)

    async def _store(self, message: Message, working: Message) -> None:
        message.suspended = message.suspended or working.suspended
        message.properties.update(working.properties)
        if self.target is None:
            message.payload, message.headers, message.axis2 = working.payload, working.headers, working.axis2
            message.response = working.response
            return
        await working.payload.read()
        message.properties[self.target] = content_of(working)
        message.axis2["HTTP_SC"] = working.axis2.get("HTTP_SC", message.axis2.get("HTTP_SC"))


def keep_headers(message: Message, sent: Headers) -> None:
    """The request's transport headers stay on the answer of a blocking call; only its content type is the answer's."""
    kind = message.headers.get("Content-Type")
    message.headers = sent.copy()
    message.headers.remove("Content-Length")
    if kind is not None:
        message.headers.set("Content-Type", kind)


def content_of(message: Message) -> Any:
    """The body as a property value: JSON text, or the payload element."""
    payload = message.payload
    if payload.is_json:
        return payload.json_text()
    root = payload.root
    if root is None:
        return ""
    if etree.QName(root).localname == "text" and payload.media.startswith("text/"):
        return root.text or ""
    return [clone(root)]


def read_source(element: Element | None, reader: Reader) -> Source | None:
    """The source element of a call."""
    if element is None:
        return None
    kind = reader.choice(element, "type", ("body", "property", "inline", "custom"), "body")
    path = compile_path(element_text(element), element, reader.place(element)) if kind == "custom" else None
    inner = children(element)
    inline = (serialise(clone(inner[0])) if inner else element_text(element)) if kind == "inline" else ""
    return Source(
        kind, element.get("contentType") or "", element_text(element) if kind == "property" else "", path, inline
    )
