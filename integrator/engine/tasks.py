"""Scheduled tasks as records, and running one of them once (reference 5.8).

Who calls `run_task` and when is not decided here: the scheduler of a stand-alone integrator, or a Celery worker.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from integrator.engine.content import media
from integrator.engine.content.payload import Payload
from integrator.engine.cron import Cron
from integrator.engine.errors import Fault
from integrator.engine.expressions import Expression, compile_value
from integrator.engine.mediators.call_template import parameters
from integrator.engine.message import Flow, Message, under_way
from integrator.engine.reader import Reader
from integrator.engine.replies import Collector
from integrator.engine.scripting import classes
from integrator.engine.sequence import run_fault
from integrator.engine.xmltools import Element, child, children, clone, envelope, local, serialise, text_of

if TYPE_CHECKING:
    from integrator.engine.deployment import Deployment

log = logging.getLogger("integrator.tasks")

INJECTOR, TEMPLATE = "MessageInjector", "TemplateMessageExecutor"
TARGETS = ("main", "sequence", "proxy")
FORMATS = ("soap11", "soap12", "pox", "get")
JAVA = ("org.apache.synapse.", "org.wso2.")


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
    elements: dict[str, Element] = field(default_factory=dict, compare=False, repr=False)
    arguments: tuple[tuple[str, Expression], ...] = ()

    @property
    def kind(self) -> str:
        """Last part of the class name: of the two known ones, or of a Python class."""
        return self.implementation.rpartition(".")[2]

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
    kind = implementation.rpartition(".")[2]
    if kind not in (INJECTOR, TEMPLATE) and (implementation.startswith(JAVA) or "." not in implementation):
        allowed = f"{INJECTOR}, {TEMPLATE} of org.apache.synapse.startup.tasks, or a Python class by dotted path"
        raise reader.fail(root, f"attribute class={implementation!r}: allowed are {allowed}")
    trigger = child(root, "trigger")
    if trigger is None:
        raise reader.fail(root, "child <trigger> is required")
    interval, count, cron = read_trigger(trigger, reader)
    items = [item for item in children(root) if local(item) == "property"]
    properties = {reader.required(item, "name"): _property_text(item, reader) for item in items}
    target = properties.get("injectTo") or "main"
    if kind == INJECTOR:
        _check_injector(root, properties, target, reader)
    if kind == TEMPLATE and not properties.get("templateKey"):
        raise reader.fail(root, "property 'templateKey' is required")
    params = next((item for item in items if item.get("name") == "templateParams"), None)
    return name, Task(
        name=name,
        group=root.get("group") or "synapse.simple.quartz",
        implementation=implementation,
        interval_s=interval,
        count=count,
        cron=cron,
        properties=properties,
        target=target,
        target_name=properties.get(f"{target}Name") or "main",
        elements={item.get("name"): clone(children(item)[0]) for item in items if children(item)},
        arguments=_arguments(params, reader) if params is not None else (),
    )


def _check_injector(root: Element, properties: dict[str, str], target: str, reader: Reader) -> None:
    if not properties.get("message") and not properties.get("registryKey"):
        log.warning("%s: neither property 'message' nor 'registryKey': nothing is injected", reader.place(root))
    if target not in TARGETS:
        raise reader.fail(root, f"property injectTo={target!r}: allowed are {', '.join(TARGETS)}")
    if target != "main" and not properties.get(f"{target}Name"):
        raise reader.fail(root, f"property '{target}Name' is required with injectTo={target!r}")
    form = properties.get("format") or "pox"
    if form.lower() in FORMATS:
        return
    problem = f"property format={form!r}: allowed are {', '.join(FORMATS)}"
    if target == "proxy":
        raise reader.fail(root, problem)
    log.warning("%s: %s; the message is injected as it is", reader.place(root), problem)


def _arguments(item: Element, reader: Reader) -> tuple[tuple[str, Expression], ...]:
    """Parameters of a template: the children of the element in templateParams, by their names."""
    holder = next(iter(children(item)), item)
    return tuple((local(one), compile_value(text_of(one), one, reader.place(one))) for one in children(holder))


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


def _property_text(element: Element, reader: Reader) -> str:
    inner = children(element)
    if element.get("expression"):
        raise reader.fail(element, "attribute expression: properties of tasks take a value or an element")
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
    under_way.set(flow)
    if task.kind not in (INJECTOR, TEMPLATE):
        return await _run_class(task, flow)
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
    text = task.properties.get("message") or deployment.entry_text(task.properties.get("registryKey", "")) or ""
    form = task.properties.get("format", "pox").lower()
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
    if form == "get":
        message.axis2["HTTP_METHOD"] = "GET"
    message.action = task.properties.get("soapAction") or None
    return message


async def _inject(task: Task, message: Message) -> None:
    deployment = message.deployment
    if task.kind == TEMPLATE:
        await _run_template(task, message)
        return
    if not task.properties.get("message") and not task.properties.get("registryKey"):
        raise Fault(0, f"task {task.name!r} has neither property 'message' nor 'registryKey'")
    if task.target == "proxy":
        proxy = deployment.proxies.get(task.target_name)
        if proxy is None:
            raise Fault(0, f"proxy service {task.target_name!r} is not deployed")
        message.flow.out, message.flow.fault = proxy.compiled.outgoing, proxy.compiled.fault
        await proxy.run(message)
        return
    message.flow.out = deployment.response_of_main()
    await deployment.required_sequence(task.target_name if task.target == "sequence" else "main").run(message)


async def _run_template(task: Task, message: Message) -> None:
    template = message.deployment.sequence_template(task.properties["templateKey"])
    if template is None:
        raise Fault(0, f"sequence template {task.properties['templateKey']!r} is not deployed")
    given = {name: value.string(message) for name, value in task.arguments}
    message.func.append(parameters(template.parameters, given, template.name))
    await template.chain.run(message)


async def _run_class(task: Task, flow: Flow) -> Message:
    """Make an object of the task's Python class, set its properties, and call execute() on a worker thread."""
    message, deployment = Message(flow, Payload(None, "")), flow.deployment
    try:
        packages = deployment.config.python_packages
        kind = classes.load(deployment.registry.home, packages, task.implementation, ("execute",))
        made = classes.make(kind, task.properties | task.elements)
        await deployment.runtime.run(made.execute)
    except Exception as error:  # noqa: BLE001  (whatever the class raises is the fault of the task)
        await run_fault(message, Fault(0, str(error) or type(error).__name__))
    return message


async def flow_end(flow: Flow) -> None:
    """Wait for the branches that a flow left running."""
    while flow.tasks:
        task = flow.tasks.pop()
        await task
