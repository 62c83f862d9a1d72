"""Custom policies: a Synapse definition, rendered with its attributes when it is deployed, run as a sequence on each call."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import SandboxedEnvironment

from gateway.call import Call
from gateway.endpoints.target import deliver
from gateway.message import Answer, check_header
from gateway.policies import body, engine
from gateway.policies.base import AnswerStep, Failure, Use, mediation_fault
from gateway.policies.headers import FRAMING, show
from gateway.policies.target import checked
from gateway.stages import Step
from integrator.engine.content.writers import write
from integrator.engine.endpoints.transmit import outgoing_type, target_type
from integrator.engine.errors import BadPayload, DeploymentError, Fault
from integrator.engine.expressions import scopes
from integrator.engine.mediators import compile_list, mediators
from integrator.engine.message import Message
from integrator.engine.reader import Reader, read_xml
from integrator.engine.replies import Collector
from integrator.engine.sequence import Chain
from integrator.engine.services.reply import status_of
from integrator.engine.xmltools import Element, children, local

log = logging.getLogger("gateway.policy")

LONGEST = 200_000
"""Characters of a definition; five times as many when it is rendered."""

FORBIDDEN = frozenset({"dblookup", "dbreport", "dataServiceCall", "store", "collect"})
"""Mediators that need what policies may not have: databases, data services, message stores."""

_templates = SandboxedEnvironment(
    autoescape=True, finalize=lambda value: str(value).lower() if isinstance(value, bool) else value
)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_METHOD = re.compile(r"[A-Z]{1,20}")
_UNSENT = FRAMING | {b"content-type"}


def render(definition: str, parameters: dict[str, Any]) -> str:
    """A definition with its attributes in it. Raises ValueError with the template's mistake."""
    if len(definition) > LONGEST:
        raise ValueError(f"a definition of {len(definition)} characters is longer than {LONGEST}")
    known = {name: _plain(value) for name, value in parameters.items()}
    try:
        text = _templates.from_string(definition.replace('\\"', '"')).render(known)
    except (TemplateError, TypeError, ArithmeticError, OverflowError) as error:
        raise ValueError(f"its definition cannot be rendered: {error}") from error
    if len(text) > 5 * LONGEST:
        raise ValueError(f"its rendered definition is longer than {5 * LONGEST} characters")
    return _DECLARATION.sub("", text)


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value


def sequence(name: str, definition: str, parameters: dict[str, Any]) -> Chain:
    """The chain of a definition. Raises ValueError naming line and element of what is wrong."""
    text = render(definition, parameters)
    wrapped = f'<sequence xmlns="http://ws.apache.org/ns/synapse" name="policy">{text}</sequence>'
    try:
        root, reader = read_xml(wrapped, name)
        inner = children(root)
        if len(inner) == 1 and local(inner[0]) == "sequence" and not inner[0].get("key"):
            root = inner[0]
        _check(root, reader)
        return compile_list(mediators(root, reader), name)
    except DeploymentError as error:
        raise ValueError(f"its definition: {error}") from error


def _check(root: Element, reader: Reader) -> None:
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        if local(element) in FORBIDDEN:
            raise reader.fail(element, f"mediator <{local(element)}> is not open to policies")
        if element.get("scope") in ("system", "registry"):
            raise reader.fail(element, f"property scope {element.get('scope')!r} is not open to policies")
        try:
            for text in (*element.attrib.values(), element.text or ""):
                engine.check_text(text)
        except ValueError as error:
            raise reader.fail(element, str(error)) from error


class Mediation:
    """One custom policy in one flow."""

    def __init__(self, use: Use) -> None:
        try:
            self.chain = sequence(use.record.name, use.record.definition, use.record.parameters)
        except ValueError as error:
            raise ValueError(f"policy {use.record.name!r}: {error}") from error
        self.use = use
        self.home = engine.deployment(use.plan.services)
        self.seconds = use.plan.services.settings.policy_seconds
        self.hidden = use.plan.record.authorization_header.lower().encode()

    async def run(self, message: Message) -> bool:
        """Runs the sequence; whether it went through. Raises Failure."""
        message.flow.artifact = f"policy:{self.use.record.name}"
        try:
            async with asyncio.timeout(self.seconds):
                return await self.chain.run(message)
        except TimeoutError as error:
            text = f"policy {self.use.record.name} took longer than {self.seconds:g} s"
            raise Failure(mediation_fault(text, code="101504"), text) from error
        except BadPayload as fault:
            status = 500 if message.response else 400
            raise Failure(
                mediation_fault(f"The message body cannot be read: {fault.message}", status), str(fault)
            ) from fault
        except Fault as fault:
            code = str(fault.code) if fault.code else "0"
            raise Failure(mediation_fault(fault.message, code=code), f"{fault.message} at {fault.place}") from fault

    async def request(self, call: Call) -> bool | None:
        """The request flow."""
        if self.chain.reads_content:
            await body.plain_request(call, self.use.limit)
        message = engine.message_of(self.home, call)
        if not self.chain.reads_content and call.edit().body is None:

            async def read() -> bytes:
                return await body.plain_request(call, self.use.limit)

            message.payload.unread = read
        going = await self.run(message)
        if isinstance(message.flow.reply, Collector) and message.flow.reply.answer is not None:
            return deliver(call, self.answer_of(message.flow.reply.answer, Answer(200)))
        if not going:
            return deliver(call, Answer(202))
        await self._write_request(call, message)
        return None

    async def _write_request(self, call: Call, message: Message) -> None:
        request = call.edit()
        request.properties = message.properties
        target = target_type(message, "")
        if target:
            await message.payload.read()
        kept = [pair for pair in request.headers if pair[0] == self.hidden or pair[0] in FRAMING]
        kind = message.headers.get("Content-Type") or ""
        if message.payload.unread is None:
            data, written = write(message.payload, target)
            kind = outgoing_type(message, written, target) if data else kind
            request.body = data
        for name, value in self._headers(message):
            if name == self.hidden:
                show(call, name, value)
            else:
                kept.append((name, value))
        if kind:
            kept.append((b"content-type", _safe(b"content-type", kind)))
        request.headers = kept
        self._write_target(call, message)

    def _write_target(self, call: Call, message: Message) -> None:
        request = call.edit()
        method = str(message.axis2.get("HTTP_METHOD") or "")
        if _METHOD.fullmatch(method):
            request.method = method.encode()
        postfix = scopes.as_text(message.axis2.get("REST_URL_POSTFIX")).encode()
        if postfix != request.target:
            # Taken away altogether, the call goes to the endpoint's own address.
            request.target = checked(postfix if postfix[:1] in (b"/", b"") else b"/" + postfix)
        if message.to and message.to.startswith(("http://", "https://")):
            request.to = message.to.encode()

    async def answer(self, call: Call, answer: Answer) -> bool | None:
        """The response and fault flows."""
        if self.chain.reads_content:
            body.plain_answer(answer, self.use.limit)
        message = engine.message_of(self.home, call, answer)
        fault = call.fault
        if self.use.flow == "fault" and fault is not None:
            scopes.set_error(message, 0, fault.description, fault.description)
            message.properties["ERROR_CODE"] = int(fault.code) if fault.code.isdecimal() else fault.code
        going = await self.run(message)
        reply = message.flow.reply
        done = reply.answer if isinstance(reply, Collector) and reply.answer is not None else None
        made = self.answer_of(done or message, answer)
        answer.status, answer.headers, answer.body = made.status, made.headers, made.body
        call.edit().properties = message.properties
        return True if done is not None or not going else None

    def answer_of(self, message: Message, before: Answer) -> Answer:
        """The answer that a message is. Raises Failure for content that cannot be written."""
        target = target_type(message, "")
        try:
            data, written = write(message.payload, target)
        except Fault as fault:
            raise Failure(mediation_fault(fault.message, code=str(fault.code)), str(fault)) from fault
        given = message.axis2.get("HTTP_SC")
        made = Answer(status_of(message) if given is not None else before.status, self._headers(message), data)
        if scopes.is_true(message.axis2.get("NO_ENTITY_BODY")):
            made.body = b""
        kind = outgoing_type(message, written, target) if made.body else ""
        if kind:
            made.headers.append((b"content-type", _safe(b"content-type", kind)))
        return made

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        received = message.headers.received if message.response else None
        pairs = [(name.lower().encode("latin-1", "replace"), name, value) for name, value in message.headers]
        return [
            (known, _safe(known, value))
            for known, name, value in pairs
            if known not in _UNSENT and (received is None or (name, value) not in received)
        ]


def _safe(name: bytes, value: str) -> bytes:
    text = b" ".join(value.encode("utf-8", "replace").splitlines())
    try:
        check_header(name, text)
    except ValueError as error:
        raise Failure(mediation_fault(f"header {name.decode('latin-1')} cannot be sent: {error}")) from error
    return text


def compile_request(use: Use) -> Step:
    """The step of a custom policy in the request flow."""
    return Mediation(use).request


def compile_answer(use: Use) -> AnswerStep:
    """The step of a custom policy in the response or fault flow."""
    return Mediation(use).answer
