"""Message processors as records, and doing one round of one of them (reference 5.10)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from integrator.engine.errors import Fault
from integrator.engine.expressions.scopes import is_true
from integrator.engine.message import Flow, Message
from integrator.engine.reader import Reader
from integrator.engine.replies import Collector
from integrator.engine.sequence import note_fault, run_fault
from integrator.engine.stores.base import Reserved, Store
from integrator.engine.stores.envelope import unpack
from integrator.engine.tasks import flow_end
from integrator.engine.xmltools import Element, children, local, text_of

if TYPE_CHECKING:
    from integrator.engine.deployment import Deployment

log = logging.getLogger("integrator.processors")

FORWARDING = "ScheduledMessageForwardingProcessor"
SAMPLING = "SamplingProcessor"
FAILOVER = "FailoverScheduledMessageForwardingProcessor"
KEEP_S = 5.0


@dataclass(frozen=True)
class Processor:
    """Settings of one processor; times in seconds."""

    name: str
    implementation: str
    kind: str
    store: str
    endpoint: str
    parameters: dict[str, str]
    interval_s: float
    retry_s: float
    max_attempts: int
    drop: bool
    active: bool


@dataclass(frozen=True)
class Outcome:
    """What one round did, and in how many seconds the next is due.

    `result` is one of idle, delivered, retry, dropped, moved, deactivated, inactive.
    """

    result: str
    next_s: float


def read_processor(root: Element, reader: Reader) -> tuple[str, Processor]:
    """A message processor artifact. Raises DeploymentError."""
    reader.only(root, ("parameter", "description"))
    name, implementation = reader.required(root, "name"), reader.required(root, "class")
    kind = implementation.rpartition(".")[2]
    if kind not in (FORWARDING, SAMPLING, FAILOVER):
        raise reader.fail(
            root, f"attribute class={implementation!r}: allowed are classes {FORWARDING}, {SAMPLING}, {FAILOVER}"
        )
    values = {reader.required(item, "name"): text_of(item) for item in children(root) if local(item) == "parameter"}
    if kind == FORWARDING and not root.get("targetEndpoint"):
        raise reader.fail(root, "attribute 'targetEndpoint' is required")
    required = {SAMPLING: "sequence", FAILOVER: "message.target.store.name"}.get(kind)
    if required and not values.get(required):
        raise reader.fail(root, f"parameter {required!r} is required")
    attempts = reader.integer(
        root, values.get("max.delivery.attempts"), "parameter max.delivery.attempts", 4 if kind == FORWARDING else -1
    )
    return name, Processor(
        name=name,
        implementation=implementation,
        kind=kind,
        store=reader.required(root, "messageStore"),
        endpoint=root.get("targetEndpoint") or "",
        parameters=values,
        interval_s=reader.integer(root, values.get("interval"), "parameter interval", 1000) / 1000,
        retry_s=reader.integer(root, values.get("client.retry.interval"), "parameter client.retry.interval", 1000)
        / 1000,
        max_attempts=attempts,
        drop=values.get("max.delivery.drop", "").lower() in ("enabled", "true"),
        active=values.get("is.active", "true").lower() == "true",
    )


async def is_active(deployment: Deployment, processor: Processor) -> bool:
    """Whether it is on: what was switched last, else what the artifact says."""
    state = await deployment.runtime.state.get(f"processor:{processor.name}:active")
    return processor.active if state is None else state == "true"


async def set_active(deployment: Deployment, name: str, active: bool) -> None:
    """Switch a processor on or off; attempts are forgotten. Raises LookupError for an unknown one."""
    if name not in deployment.processors:
        raise LookupError(f"message processor {name!r} is not deployed")
    await deployment.runtime.state.set(f"processor:{name}:active", "true" if active else "false")
    await deployment.runtime.state.set(f"processor:{name}:attempts", None)


async def process_once(deployment: Deployment, name: str) -> Outcome:
    """Work on the head of a processor's store once. Raises LookupError for an unknown processor, StoreError."""
    processor = deployment.processors.get(name)
    if processor is None:
        raise LookupError(
            f"message processor {name!r} is not deployed; deployed are {', '.join(deployment.processors) or 'none'}"
        )
    if not await is_active(deployment, processor):
        return Outcome("inactive", max(processor.interval_s, 1.0))
    store = deployment.stores.get(processor.store)
    if store is None:
        return Outcome("idle", max(processor.interval_s, 1.0))
    if processor.kind == SAMPLING:
        return await _sample(deployment, processor, store)
    reserved = await store.reserve()
    if reserved is None:
        return Outcome("idle", processor.interval_s)
    async with _holding(store, reserved):
        if processor.kind == FAILOVER:
            return await _move(deployment, processor, store, reserved)
        return await _forward(deployment, processor, store, reserved)


@asynccontextmanager
async def _holding(store: Store, reserved: Reserved) -> AsyncIterator[None]:
    """Prolongs the hold while working; gives it up at the end (an acknowledged one is gone already)."""

    async def prolong() -> None:
        while True:
            await asyncio.sleep(KEEP_S)
            await store.keep(reserved)

    task = asyncio.create_task(prolong())
    try:
        yield
    finally:
        task.cancel()
        await store.release(reserved)


async def _sample(deployment: Deployment, processor: Processor, store: Store) -> Outcome:
    result = "idle"
    for _ in range(int(processor.parameters.get("concurrency") or 1)):
        reserved = await store.reserve()
        if reserved is None:
            break
        async with _holding(store, reserved):
            message = _message(deployment, processor, reserved)
            try:
                await deployment.required_sequence(processor.parameters["sequence"]).run(message)
            except Fault as fault:
                await run_fault(message, fault)
            await flow_end(message.flow)
            await store.ack(reserved)
            result = "delivered"
    return Outcome(result, processor.interval_s)


def _message(deployment: Deployment, processor: Processor, reserved: Reserved) -> Message:
    flow = Flow(deployment, Collector())
    flow.artifact = f"message-processor:{processor.name}"
    return unpack(reserved.data, flow)


async def _move(deployment: Deployment, processor: Processor, store: Store, reserved: Reserved) -> Outcome:
    target = deployment.stores.get(processor.parameters["message.target.store.name"])
    if target is None:
        return Outcome("retry", processor.retry_s)
    await target.put(reserved.data)
    await store.ack(reserved)
    return Outcome("delivered", processor.interval_s)


async def _forward(deployment: Deployment, processor: Processor, store: Store, reserved: Reserved) -> Outcome:
    message = _message(deployment, processor, reserved)
    original = message.copy()
    name = str(message.properties.get("target.endpoint") or processor.endpoint)
    endpoint = deployment.endpoint(name)
    try:
        if endpoint is None:
            raise Fault(0, f"endpoint {name!r} is not deployed")
        await endpoint.send(message)
        await message.payload.read()
        problem = _refused(processor, message)
    except Fault as fault:
        note_fault(original, fault)
        problem = fault.message
    if problem is None:
        await store.ack(reserved)
        await deployment.runtime.state.set(f"processor:{processor.name}:attempts", None)
        if not is_true(message.properties.get("OUT_ONLY")):
            await _run(deployment, processor, "message.processor.reply.sequence", message)
        return Outcome("delivered", processor.interval_s)
    log.warning(
        "message processor %s: %s", processor.name, problem, extra={"correlation_id": message.flow.correlation_id}
    )
    await _run(deployment, processor, "message.processor.fault.sequence", original.copy())
    return await _failed(deployment, processor, store, reserved, original)


def _refused(processor: Processor, message: Message) -> str | None:
    status = int(message.axis2.get("HTTP_SC") or 200)
    listed = processor.parameters.get("non.retry.status.codes", "").replace(",", " ").split()
    if status < 400 or str(status) in listed:
        return None
    return f"the endpoint answered {status}"


async def _run(deployment: Deployment, processor: Processor, parameter: str, message: Message) -> None:
    name = processor.parameters.get(parameter)
    if not name:
        return
    try:
        await deployment.required_sequence(name).run(message)
    except Fault as fault:
        await run_fault(message, fault)
    await flow_end(message.flow)


async def _failed(
    deployment: Deployment, processor: Processor, store: Store, reserved: Reserved, original: Message
) -> Outcome:
    state, key = deployment.runtime.state, f"processor:{processor.name}:attempts"
    attempts = int(await state.get(key) or 0) + 1
    if processor.max_attempts < 0 or attempts < processor.max_attempts:
        await state.set(key, str(attempts))
        return Outcome("retry", processor.retry_s)
    await state.set(key, None)
    elsewhere = deployment.stores.get(processor.parameters.get("message.processor.failMessagesStore", ""))
    if elsewhere is not None:
        await elsewhere.put(reserved.data)
        await store.ack(reserved)
        return Outcome("moved", processor.interval_s)
    if processor.drop:
        await store.ack(reserved)
        log.error("message processor %s: message dropped after %d attempts", processor.name, attempts)
        return Outcome("dropped", processor.interval_s)
    await set_active(deployment, processor.name, False)
    log.error("message processor %s: deactivated after %d attempts", processor.name, attempts)
    await _run(deployment, processor, "message.processor.deactivate.sequence", original)
    return Outcome("deactivated", max(processor.interval_s, 1.0))
