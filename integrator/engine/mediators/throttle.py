"""throttle: how many requests pass, by a WS-Policy with rules for addresses and domains (reference 3.2)."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Self

from integrator.engine.errors import DeploymentError, Fault
from integrator.engine.mediators.base import Branch, Element, Mediator, Reader, Step, chain_of, register
from integrator.engine.mediators.throttle_policy import Control, Policy, read_policy
from integrator.engine.message import Message
from integrator.engine.reader import read_xml
from integrator.engine.xmltools import child, children

MAX_COUNTERS = 10_000
"""Counters that one mediator keeps; the one used longest ago leaves."""


@dataclass
class Counter:
    """Requests of one rule in the running unit of time. Times are monotonic seconds."""

    began: float = 0.0
    count: int = 0
    closed_until: float = 0.0

    def passes(self, rule: Control, now: float) -> bool:
        """Count one request; whether it passes."""
        if self.closed_until:
            if now < self.closed_until:
                return False
            self.began = self.closed_until = 0.0
        if not self.began or now - self.began >= rule.unit_s:
            self.began, self.count = now, 0
        if self.count < rule.maximum:
            self.count += 1
            return True
        self.closed_until = now + rule.prohibit_s if rule.prohibit_s else self.began + rule.unit_s
        return False


@dataclass
class Gauge:
    """What one throttle mediator counts; it lives as long as the mediator is deployed."""

    counters: OrderedDict[str, Counter] = field(default_factory=OrderedDict)
    running: int = 0
    keyed: tuple[str, Policy] | None = None

    def counter(self, key: str) -> Counter:
        """The counter of a rule and artifact."""
        found = self.counters.get(key)
        if found is None:
            found = self.counters[key] = Counter()
            if len(self.counters) > MAX_COUNTERS:
                self.counters.popitem(last=False)
        self.counters.move_to_end(key)
        return found

    def enter(self, message: Message, most: int) -> bool:
        """Take one of the places for requests that run at the same time; it is free again when the flow ends."""
        if self.running >= most:
            return False
        self.running += 1
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(self._leave)
        return True

    def _leave(self, _task: object) -> None:
        self.running -= 1


@register("throttle")
@dataclass(frozen=True, kw_only=True)
class Throttle(Mediator):
    """Id, policy (inline or by key; with none all pass), and what runs for requests that pass or not."""

    id: str
    policy: Policy | None
    key: str
    accept: Branch | None
    reject: Branch | None
    gauge: Gauge = field(default_factory=Gauge, compare=False, repr=False)

    @classmethod
    def parse(cls, element: Element, reader: Reader) -> Self:
        """Read the element."""
        reader.only(element, ("policy", "onAccept", "onReject", "description"))
        given = child(element, "policy")
        inline = next(iter(children(given)), None) if given is not None else None
        key = given.get("key") or "" if given is not None else ""
        if given is not None and inline is None and not key:
            raise reader.fail(given, "attribute 'key' or a child <Policy> is required")
        return cls(
            **cls.common(element, reader),
            id=reader.required(element, "id"),
            policy=read_policy(inline, reader) if inline is not None and not key else None,
            key=key,
            accept=branch(element, reader, "onAccept"),
            reject=branch(element, reader, "onReject"),
        )

    def children(self) -> tuple[Mediator, ...]:
        """Mediators of onAccept and onReject."""
        return tuple(item for part in (self.accept, self.reject) if part for item in part.children)

    def compile(self) -> Step:
        """A step that lets the request pass or not; responses always pass."""
        accept = self.accept.compile("onAccept") if self.accept else None
        reject = self.reject.compile("onReject") if self.reject else None
        gauge, fixed = self.gauge, self.policy
        if fixed is None and not self.key:
            return lambda message: True if accept is None or message.response else accept(message)

        def step(message: Message) -> Any:
            if message.response:
                return True
            policy = fixed or self.keyed(message)
            if self.allowed(message, policy, gauge):
                return True if accept is None else accept(message)
            return False if reject is None else reject(message)

        return step

    def allowed(self, message: Message, policy: Policy, gauge: Gauge) -> bool:
        """Whether a request passes, counted by the rule that fits its domain, else its address."""
        if policy.concurrent and gauge.running >= policy.concurrent:
            return False
        host, address = origin_of(message)
        rule = policy.rule(host, address)
        if rule is not None and rule.access is not None and not rule.access:
            return False
        if rule is not None and rule.control is not None:
            counter = gauge.counter(f"{self.id}{message.flow.artifact}_{rule.name}")
            if not counter.passes(rule.control, time.monotonic()):
                return False
        return policy.concurrent == 0 or gauge.enter(message, policy.concurrent)

    def keyed(self, message: Message) -> Policy:
        """The policy behind the key, read again when its text changes. Raises Fault."""
        text = message.deployment.entry_text(self.key)
        if text is None:
            raise Fault(0, f"throttle {self.id!r}: policy {self.key!r} is neither a local entry nor in the registry")
        held = self.gauge.keyed
        if held is None or held[0] != text:
            try:
                held = self.gauge.keyed = (text, read_policy(*read_xml(text, self.key)))
            except DeploymentError as error:
                raise Fault(0, str(error)) from error
        return held[1]


def branch(element: Element, reader: Reader, name: str) -> Branch | None:
    """onAccept or onReject: an attribute with a sequence's name, or a child."""
    if element.get(name):
        return Branch(key=reader.value(element, name))
    inner = child(element, name)
    return chain_of(inner, reader) if inner is not None else None


def origin_of(message: Message) -> tuple[str, str]:
    """Domain and address of the caller: what a proxy in front says, else the socket."""
    remote = str(message.axis2.get("REMOTE_ADDR") or "")
    address = (message.headers.get("X-Forwarded-For") or remote).split(",", 1)[0].strip()
    host = message.headers.get("X-Forwarded-Host") or str(message.axis2.get("REMOTE_HOST") or "")
    return host.split(",", 1)[0].strip().lower(), address
