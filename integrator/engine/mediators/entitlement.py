"""entitlementService: asks a XACML policy server whether the message may go on (reference 3.5)."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Self

from integrator.engine.content import media
from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression, scopes
from integrator.engine.mediators.base import Branch, Element, Mediator, Reader, Step, register
from integrator.engine.mediators.secured import read_text, secured_branch
from integrator.engine.mediators.xacml import CLIENTS, Asked, Decision, ask
from integrator.engine.message import Message
from integrator.engine.scripting.context import MessageContext
from integrator.engine.scripting.python import class_of
from integrator.engine.sequence import run_fault
from integrator.engine.xmltools import clone

_USER_TOKEN = "UTEntitlementCallbackHandler"  # noqa: S105  (the name of a class)
PERMIT, DENY = "Permit", "Deny"
DECISION = "ENTITLEMENT_DECISION"
DEFAULT_ENTRIES = 10_000
DEFAULT_VALID_MS = 3_600_000
BRANCHES = ("onAccept", "onReject", "obligations", "advice")


@dataclass
class Decisions:
    """Decisions that are still valid, at most `entries`; the one used longest ago leaves first."""

    entries: int
    seconds: float
    held: OrderedDict[Asked, tuple[float, Decision]] = field(default_factory=OrderedDict)

    def get(self, asked: Asked) -> Decision | None:
        """A decision made before; None when there is none or its time is over."""
        found = self.held.get(asked)
        if found is None or found[0] < time.monotonic():
            return None
        self.held.move_to_end(asked)
        return found[1]

    def put(self, asked: Asked, decision: Decision) -> None:
        """Keep a decision."""
        self.held[asked] = (time.monotonic() + self.seconds, decision)
        self.held.move_to_end(asked)
        while len(self.held) > self.entries:
            self.held.popitem(last=False)


@register("entitlementService")
@dataclass(frozen=True, kw_only=True)
class Entitlement(Mediator):
    """Server, client kind, callback class, cache and what runs after the decision."""

    server: tuple[Expression, ...]
    client: str
    callback: str
    branches: tuple[Branch | None, ...]
    decisions: Decisions | None = field(compare=False)

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, (*BRANCHES, "description"))
        kind = reader.choice(element, "client", CLIENTS, "basicAuth")
        callback = (element.get("callbackClass") or "").strip()
        if callback.startswith("org.wso2.") and not callback.endswith(f".{_USER_TOKEN}"):
            raise reader.fail(
                element,
                f"attribute callbackClass={callback!r}: allowed are …{_USER_TOKEN} and Python classes by dotted path",
            )
        entries = reader.integer(element, element.get("maxCacheEntries"), "attribute maxCacheEntries", DEFAULT_ENTRIES)
        valid = reader.integer(
            element, element.get("invalidationInterval"), "attribute invalidationInterval", DEFAULT_VALID_MS
        )
        cached = reader.choice(element, "cacheType", ("simple",), "simple") if element.get("cacheType") else ""
        return cls(
            **cls.common(element, reader),
            server=tuple(
                read_text(element, name, reader)
                for name in ("remoteServiceUrl", "remoteServiceUserName", "remoteServicePassword")
            ),
            client=kind,
            callback="" if callback.endswith(_USER_TOKEN) else callback,
            branches=tuple(secured_branch(element, reader, name) for name in BRANCHES),
            decisions=Decisions(max(1, entries), valid / 1000) if cached else None,
        )

    def children(self) -> tuple[Mediator, ...]:
        """Mediators of the four branches."""
        return tuple(item for branch in self.branches if branch for item in branch.children)

    def compile(self) -> Step:
        """A step that asks and goes on, or not."""
        pairs = zip(BRANCHES, self.branches, strict=True)
        accept, reject, obligations, advice = (branch.compile(name) if branch else None for name, branch in pairs)

        async def step(message: Message) -> bool | None:
            decision = await self.decide(message)
            result = decision.result
            if decision.obligations is not None and obligations is not None:
                result = await fulfilled(message, obligations, decision)
            if decision.advice is not None and advice is not None:
                await beside(message, advice, decision.advice)
            if result == PERMIT:
                return True if accept is None else await _done(accept(message))
            if reject is None:
                raise Fault(0, f"the policy server does not permit this request: {decision.result}")
            return await _done(reject(message))

        return step

    async def decide(self, message: Message) -> Decision:
        """The decision, from the cache when it is there. Raises Fault when the server cannot be asked."""
        asked = await self.asked(message)
        found = self.decisions.get(asked) if self.decisions else None
        if found is None:
            url, user, password = (part.string(message) or "" for part in self.server)
            found = await ask(message.deployment.runtime, self.client, (url, user, password), asked)
            if self.decisions is not None:
                self.decisions.put(asked, found)
        return found

    async def asked(self, message: Message) -> Asked:
        """Subject, resource and action, by the callback class where it has a method for them."""
        given: dict[str, str] = {}
        if self.callback:
            handler = class_of(message.deployment, self.callback, "getUserName")()
            context = MessageContext(message)
            for name in ("getUserName", "findServiceName", "findOperationName", "findAction"):
                method = getattr(handler, name, None)
                if callable(method):
                    given[name] = str(await message.deployment.runtime.run(method, context))
        service = given["findServiceName"] if "findServiceName" in given else service_name(message)
        operation = given["findOperationName"] if "findOperationName" in given else await operation_name(message)
        return Asked(
            subject=given["getUserName"] if "getUserName" in given else user_name(message),
            resource=f"{service}/{operation}" if operation else service,
            action=given["findAction"] if "findAction" in given else action_of(message),
        )


async def _done(result: Any) -> bool | None:
    return result if result is None or isinstance(result, bool) else await result


def _axis2(message: Message, name: str) -> str:
    return str(message.axis2.get(name) or "")


def user_name(message: Message) -> str:
    """The subject: the property that xacml_subject_identifier names, xacml_subject, or the user of a WS-Security token."""
    identifier = message.properties.get("xacml_subject_identifier")
    if identifier:
        return _axis2(message, str(identifier))
    return str(message.properties.get("xacml_subject") or "") or _axis2(message, "username")


def service_name(message: Message) -> str:
    """The To address, with xacml_resource_prefix before it or in its place."""
    prefix = _axis2(message, "xacml_resource_prefix").strip()
    if prefix and scopes.is_true(message.axis2.get("xacml_resource_prefix_only")):
        return prefix
    return prefix + (message.to or "")


async def operation_name(message: Message) -> str:
    """The method with xacml_use_rest, else the name of the body's first element."""
    if scopes.is_true(message.axis2.get("xacml_use_rest")):
        return _axis2(message, "HTTP_METHOD")
    await message.payload.read()
    root = message.payload.root
    return "" if root is None else str(root.tag).rpartition("}")[2]


def action_of(message: Message) -> str:
    """xacml_action, else the method with xacml_use_rest, else read."""
    given = _axis2(message, "xacml_action")
    if given:
        return given
    return _axis2(message, "HTTP_METHOD") if scopes.is_true(message.axis2.get("xacml_use_rest")) else "read"


def with_body(message: Message, body: Element) -> Message:
    """A copy whose body is what the server said."""
    made = message.copy()
    made.frames = []
    made.payload.discard()
    made.payload.content_type, made.payload.pox = media.XML, True
    made.payload.set_root(clone(body))
    made.set_type(media.XML)
    return made


async def fulfilled(message: Message, step: Step, decision: Decision) -> str:
    """Run the obligations on a copy; the decision stands only when they set ENTITLEMENT_DECISION to it."""
    await message.payload.read()
    made = with_body(message, decision.obligations)
    made.properties.pop(DECISION, None)
    await _done(step(made))
    return PERMIT if decision.result == PERMIT and made.properties.get(DECISION) == PERMIT else DENY


async def beside(message: Message, step: Step, advice: Element) -> None:
    """Run the advice on a copy, beside the flow."""
    await message.payload.read()
    made = with_body(message, advice)

    async def run() -> None:
        try:
            await _done(step(made))
        except Fault as fault:
            await run_fault(made, fault)

    message.deployment.runtime.spawn(run())
