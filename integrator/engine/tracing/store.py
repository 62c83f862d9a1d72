"""The traces that are kept, bounded by number and size, and the rules that say of which messages."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from integrator.engine.message import Flow, Message, new_id
from integrator.engine.switches import TRACE, Switches
from integrator.engine.tracing import look
from integrator.engine.tracing.masking import mask
from integrator.engine.tracing.message import Cursor, TracedMessage
from integrator.engine.tracing.record import Trace
from integrator.engine.tracing.rules import Given, Rule, rule_of

if TYPE_CHECKING:
    from integrator.engine.deployment import Deployment

MAX_RULES = 100
STEP_BYTES = 1500
"""What one step without texts takes, about; measured with tracemalloc."""
KINDS = {
    "api": "api",
    "proxy-services": "proxy",
    "inbound-endpoints": "inbound-endpoint",
    "sequences": "sequence",
    "templates": "template",
    "endpoints": "endpoint",
}
"""Folder of an artifact → kind in rules."""


class Tracing:
    """One per engine. `active` is what the message path looks at, once a message."""

    def __init__(self, switches: Switches) -> None:
        self.given = Given()
        self.active = False
        self.traces: OrderedDict[str, Trace] = OrderedDict()
        self.size = 0
        """Bytes that the kept traces take, about; of each as it was when its message was answered."""
        self._sizes: dict[str, int] = {}
        self._switches = switches
        self._deployment: Deployment | None = None
        self._rules: dict[str, Rule] = {}
        self._artifacts: tuple[Rule, ...] = ()
        self._all: tuple[Rule, ...] = ()
        self._general: tuple[Rule, ...] = ()
        self.finished: Callable[[Trace], None] | None = None
        self._merge()
        switches.on_change(self.settle)

    def follow(self, deployment: Deployment) -> None:
        """Take the settings of a new deployment; its artifacts may say trace="enable"."""
        self._deployment, self.given = deployment, deployment.config.tracing
        self.settle()

    def add(self, given: Any, origin: str = "management") -> Rule:
        """Add a rule. Raises RuleError."""
        rule = rule_of(new_id()[:8], origin, given)
        if len(self._rules) >= MAX_RULES:
            del self._rules[next(iter(self._rules))]
        self._rules[rule.id] = rule
        self._merge()
        return rule

    def remove(self, identifier: str) -> bool:
        """Remove a rule that was added; whether there was one."""
        found = self._rules.pop(identifier, None)
        self._merge()
        return found is not None

    def rules(self) -> tuple[Rule, ...]:
        """All rules that hold now."""
        self._expire()
        return self._all

    def settle(self) -> None:
        """Look which artifacts have their trace on, after a deployment or a switch."""
        names = sorted(self._traced()) if self._deployment is not None else ()
        self._artifacts = tuple(Rule(f"artifact-{name}", "artifact", artifact=name) for name in names)
        self._merge()

    def _merge(self) -> None:
        """All rules that hold; those of one API or proxy are found by its name, so that many cost no more than one."""
        self._all = (*self._rules.values(), *self.given.rules, *self._artifacts)
        self._general = tuple(rule for rule in self._all if not rule.artifact or rule.inside)
        self._of: dict[str, tuple[Rule, ...]] = {}
        for rule in self._all:
            if rule.artifact and not rule.inside:
                self._of[rule.artifact] = (*self._of.get(rule.artifact, ()), rule)
        self.active = bool(self._all)

    def _traced(self) -> Iterator[str]:
        assert self._deployment is not None
        turned = self._switches.turned(TRACE)
        for (kind, name), item in self._deployment.artifacts.items():
            if kind in KINDS and ((kind, name) in turned or "trace" in item.text) and self._switches.is_on(TRACE, item):
                yield f"{KINDS[kind]}:{name}"

    def _expire(self) -> None:
        now = time.monotonic()
        gone = [key for key, rule in self._rules.items() if rule.until and rule.until < now]
        for key in gone:
            del self._rules[key]
        if gone:
            self._merge()

    def consider(self, message: Message) -> None:
        """Begin the trace of a message that a rule asks for; called once a message while any rule holds."""
        if message.flow.trace is not None:
            return
        self._expire()
        asked = (*self._of.get(message.flow.artifact, ()), *self._general)
        matching = tuple(rule for rule in asked if rule.begins(message))
        if not matching:
            return
        sure = next((rule for rule in matching if not rule.late), None)
        trace = self._begin(message, sure or matching[0])
        if sure is not None:
            self._keep(trace)
            self._used(sure)
        else:
            trace.waiting = matching

    def _begin(self, message: Message, rule: Rule) -> Trace:
        flow = message.flow
        trace = Trace(new_id(), flow.correlation_id, reason_of(rule), self.given.limits)
        trace.artifact = flow.artifact
        trace.method = str(message.axis2.get("HTTP_METHOD") or "")
        trace.target = mask((message.to or "")[:2000])
        trace.client = str(message.axis2.get("REMOTE_ADDR") or "")
        trace.root.label = flow.artifact.replace(":", " ", 1)
        message.__class__ = TracedMessage  # the same layout: only how it runs differs
        message.node = Cursor(trace, trace.root)
        trace.start = look.all_of(look.look(message, trace), trace.limits, trace.secrets)
        message.node.look_at_body(message, closely=False)
        flow.trace = trace
        return trace

    def finish(self, flow: Flow, status: int = 0) -> None:
        """The message was answered: outcome and duration are known, late rules decide."""
        trace = flow.trace
        assert trace is not None
        failed = trace.fault is not None or flow.failure is not None
        if flow.failure is not None and not trace.error:
            trace.error = {"code": flow.failure.code, "message": mask(flow.failure.message[:2000])}
        if not flow.tasks:  # else branches still take notes
            trace.secrets = set()
        trace.fault = None  # its traceback would keep the message
        trace.status, trace.duration_ms = status, trace.now()
        trace.root.duration_ms = trace.duration_ms
        trace.outcome = trace.root.outcome = "failed" if failed else "ok"
        matching, trace.waiting = trace.waiting, ()
        rule = next((rule for rule in matching if rule.ends(trace)), None)
        if rule is not None:
            trace.reason = reason_of(rule)
            self._keep(trace)
            self._used(rule)
        self._bound(trace)
        if self.finished is not None and (rule is not None or not matching):
            self.finished(trace)

    def _keep(self, trace: Trace) -> None:
        self.traces[trace.id] = trace
        self._bound()

    def _used(self, rule: Rule) -> None:
        if rule.id in self._rules and rule.count:
            if rule.count == 1:
                del self._rules[rule.id]
            else:
                self._rules[rule.id] = replace(rule, count=rule.count - 1)
            self._merge()

    def _bound(self, changed: Trace | None = None) -> None:
        if changed is not None and changed.id in self.traces:
            self._measured(changed.id, size_of(changed))
        while len(self.traces) > self.given.count or (len(self.traces) > 1 and self.size > self.given.size):
            self.forget(next(iter(self.traces)))

    def _measured(self, identifier: str, size: int) -> None:
        self.size += size - self._sizes.get(identifier, 0)
        self._sizes[identifier] = size

    def forget(self, identifier: str) -> None:
        """Forget one trace. Raises KeyError."""
        del self.traces[identifier]
        self.size -= self._sizes.pop(identifier, 0)

    def clear(self) -> int:
        """Forget all traces; how many there were."""
        count = len(self.traces)
        self.traces.clear()
        self._sizes.clear()
        self.size = 0
        return count


def size_of(trace: Trace) -> int:
    """Bytes that a trace takes, about."""
    return trace.size + trace.steps * STEP_BYTES + 4000


def reason_of(rule: Rule) -> str:
    """Why a message is traced, in words."""
    parts = [
        f"trace of {rule.artifact}" if rule.artifact else "",
        f"header {rule.header}" if rule.header else "",
        "correlation id" if rule.correlation_id else "",
        "it failed" if rule.faults else "",
        f"slower than {rule.slower_ms:g} ms" if rule.slower_ms else "",
        f"sample of {rule.rate * 100:g} %" if rule.rate < 1 else "",
    ]
    return (
        "tried from the page" if rule.origin == "try" else ", ".join(part for part in parts if part) or "every message"
    )
