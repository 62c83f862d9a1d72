"""Scheduled tasks as records, and running one of them once (reference 5.8).

Who calls `run_task` and when is not decided here: the scheduler of a stand-alone integrator, or a Celery worker.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from integrator.engine.content import media
from integrator.engine.content.payload import Payload
from integrator.engine.cron import Cron
from integrator.engine.errors import Fault
from integrator.engine.message import Flow, Message
from integrator.engine.reader import Reader
from integrator.engine.replies import Collector
from integrator.engine.sequence import run_fault
from integrator.engine.xmltools import Element, child, children, clone, envelope, local, serialise, text_of

if TYPE_CHECKING:
    from integrator.engine.deployment import Deployment

log = logging.getLogger("integrator.tasks")

INJECTOR = "MessageInjector"
TARGETS = ("main", "sequence", "proxy")


@dataclass(frozen=True)
class Task:
    """What to inject where, and when. `interval_s` None with `cron` None means once."""

    name: str
    group: str
    implementation: str
    interval_s: float | None
    count: int
    cron: Cron | None
    properties: dict[str, str]
    target: str
    target_name: str

    @property
    def once(self) -> bool:
        """Whether it runs a single time."""
        return self.cron is None and self.interval_s is None

    def next_run(self, after: datetime, runs: int) -> float | None:
        """Seconds from `after` to the next run when it ran `runs` times; None when it is over."""
        if self.once:
            return 0.0 if runs == 0 else None
        if 0 < self.count <= runs:
            return None
        if self.cron is not None:
            moment = self.cron.next(after)
            return None if moment is None else (moment - after).total_seconds()
        return 0.0 if runs == 0 else self.interval_s


def read_task(root: Element, reader: Reader) -> tuple[str, Task]:
    """A task artifact. Raises DeploymentError."""
    reader.only(root, ("trigger", "property", "description"))
    name, implementation = reader.required(root, "name"), reader.required(root, "class")
    if implementation.rpartition(".")[2] != INJECTOR:
        allowed = "org.apache.synapse.startup.tasks.MessageInjector"
        raise reader.fail(root, f"attribute class={implementation!r}: allowed is {allowed}")
    trigger = child(root, "trigger")
    if trigger is None:
        raise reader.fail(root, "child <trigger> is required")
    interval, count, cron = read_trigger(trigger, reader)
    properties = {item.get("name") or "": _property_text(item) for item in children(root) if local(item) == "property"}
    if not properties.get("message") and not properties.get("registryKey"):
        raise reader.fail(root, "property 'message' or 'registryKey' is required")
    target = properties.get("injectTo") or "main"
    if target not in TARGETS:
        raise reader.fail(root, f"property injectTo={target!r}: allowed are {', '.join(TARGETS)}")
    target_name = properties.get(f"{target}Name", "main")
    group = root.get("group") or "synapse.simple.quartz"
    return name, Task(name, group, implementation, interval, count, cron, properties, target, target_name)


def read_trigger(element: Element, reader: Reader) -> tuple[float | None, int, Cron | None]:
    """(interval in seconds, count, cron); 0 and below as count means endless."""
    cron, interval = element.get("cron"), element.get("interval")
    if cron and interval:
        raise reader.fail(element, "either cron or interval may be given, not both")
    if cron:
        try:
            return None, 0, Cron(cron)
        except ValueError as error:
            raise reader.fail(element, str(error)) from error
    count = reader.integer(element, element.get("count"), "attribute count", -1)
    if interval:
        text = interval.strip()
        seconds = (
            reader.integer(element, text[:-2], "attribute interval", 0) / 1000
            if text.endswith("ms")
            else float(reader.integer(element, text, "attribute interval", 0))
        )
        if seconds <= 0:
            raise reader.fail(element, f"attribute interval={interval!r}: a number of seconds above 0 is expected")
        return seconds, count, None
    if not reader.flag(element, "once") and count < 0:
        raise reader.fail(element, "one of the attributes interval, cron, once is required")
    return (None, count, None) if reader.flag(element, "once") else (1.0, count, None)


def _property_text(element: Element) -> str:
    inner = children(element)
    return serialise(clone(inner[0])) if inner else element.get("value") or text_of(element)


async def run_task(deployment: Deployment, name: str) -> Message:
    """Inject the message of a task, and wait until its flow is over; the message as it ended, with its fault if any.

    Raises LookupError for an unknown task.
    """
    task = deployment.tasks.get(name)
    if task is None:
        raise LookupError(f"task {name!r} is not deployed; deployed are {', '.join(deployment.tasks) or 'none'}")
    flow = Flow(deployment, Collector())
    flow.artifact = f"task:{name}"
    message = make_message(task, flow, deployment)
    log.info(
        "task %s: injecting into %s %s",
        name,
        task.target,
        task.target_name,
        extra={"correlation_id": flow.correlation_id},
    )
    tracing = deployment.runtime.tracing
    if tracing.active:
        tracing.consider(message)
    try:
        await _inject(task, message)
    except Fault as fault:
        await run_fault(message, fault)
    await flow_end(flow)
    if flow.trace is not None:
        tracing.finish(flow)
    return message


def make_message(task: Task, flow: Flow, deployment: Deployment) -> Message:
    """The message that a task injects."""
    text = task.properties.get("message") or deployment.entry_text(task.properties["registryKey"]) or ""
    form = task.properties.get("format", "pox")
    kind = media.XML if text.lstrip().startswith("<") else media.JSON
    payload = Payload(text.encode(), kind)
    if form in ("soap11", "soap12") and kind == media.XML:
        inner = payload.root
        if inner is not None and local(inner) == "Envelope":
            payload.set_envelope(clone(inner))
        else:
            made = envelope()
            made[1].append(clone(inner))
            payload.set_envelope(made)
        payload.content_type = media.SOAP11 if form == "soap11" else media.SOAP12
    message = Message(flow, payload)
    message.to = task.properties.get("to") or None
    message.action = task.properties.get("soapAction") or None
    return message


async def _inject(task: Task, message: Message) -> None:
    deployment = message.deployment
    if task.target == "proxy":
        proxy = deployment.proxies.get(task.target_name)
        if proxy is None:
            raise Fault(0, f"proxy service {task.target_name!r} is not deployed")
        message.flow.out, message.flow.fault = proxy.compiled.outgoing, proxy.compiled.fault
        await proxy.run(message)
        return
    message.flow.out = deployment.response_of_main()
    await deployment.required_sequence(task.target_name if task.target == "sequence" else "main").run(message)


async def flow_end(flow: Flow) -> None:
    """Wait for the branches that a flow left running."""
    while flow.tasks:
        task = flow.tasks.pop()
        await task
