"""Message processors as records, and doing one round of one of them (reference 5.10)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from integrator.engine.cron import Cron
from integrator.engine.errors import Fault
from integrator.engine.expressions.scopes import is_true
from integrator.engine.message import Flow, Message
from integrator.engine.reader import Reader
from integrator.engine.replies import Collector
from integrator.engine.sequence import note_fault, run_fault
from integrator.engine.stores.base import Reserved, Store, StoreError
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
NEVER_S = 86_400.0


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
    cron: Cron | None = None
    members: int = 1
    throttle_s: float = 0.0
    store_attempts: int = -1
    store_retry_s: float = 1.0

    def pause(self) -> float:
        """Seconds to the next round when there is nothing to do: the interval, or the next moment of the cron expression."""
        if self.cron is None:
            return self.interval_s
        now = datetime.now().astimezone()
        moment = self.cron.next(now)
        return NEVER_S if moment is None else max(0.0, (moment - now).total_seconds())

    def following(self) -> float:
        """Seconds to the next round after a message: with a cron expression those that wait go on at once."""
        return self.interval_s if self.cron is None else self.throttle_s


@dataclass(frozen=True)
class Outcome:
    """What one round did, and in how many seconds the next is due.

    `result` is one of idle, delivered, retry, dropped, moved, deactivated, inactive, unreachable (the store).
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
    required = {SAMPLING: "sequence", FAILOVER: "message.target.store.name"}.get(kind)
    if required and not values.get(required):
        raise reader.fail(root, f"parameter {required!r} is required")

    def number(label: str, default: int, least: int = -1) -> int:
        found = reader.integer(root, values.get(label), f"parameter {label}", default)
        if found < least:
            raise reader.fail(root, f"parameter {label}={values[label]!r}: {least} or more is expected")
        return found

    throttled = values.get("throttle", "true").lower() == "true"
    return name, Processor(
        name=name,
        implementation=implementation,
        kind=kind,
        store=reader.required(root, "messageStore"),
        endpoint=root.get("targetEndpoint") or "",
        parameters=values,
        interval_s=number("interval", 1000, 0) / 1000,
        retry_s=number("client.retry.interval", 1000, 0) / 1000,
        max_attempts=number("max.delivery.attempts", 4 if kind == FORWARDING else -1),
        drop=values.get("max.delivery.drop", "").lower() in ("enabled", "true"),
        active=values.get("is.active", "true").lower() == "true",
        cron=_cron(root, values.get("cronExpression"), reader),
        members=max(1, number("member.count", 1, 1) * (number("concurrency", 1, 1) if kind == SAMPLING else 1)),
        throttle_s=max(0, number("throttle.interval", -1)) / 1000 if throttled else 0.0,
        store_attempts=number("max.store.connection.attempts", -1),
        store_retry_s=number("store.connection.retry.interval", 1000, 0) / 1000,
    )


def _cron(root: Element, text: str | None, reader: Reader) -> Cron | None:
    try:
        return Cron(text) if text else None
    except ValueError as error:
        raise reader.fail(root, f"parameter cronExpression: {error}") from error


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
    try:
        outcome = await _members(deployment, processor, store)
    except StoreError as error:
        return await _store_failed(deployment, processor, error)
    if processor.store_attempts >= 0:
        await deployment.runtime.state.set(f"processor:{name}:store", None)
    return outcome


async def _members(deployment: Deployment, processor: Processor, store: Store) -> Outcome:
    """As many messages as the processor has members, one after another: their order is kept."""
    outcome = Outcome("idle", processor.pause())
    for _ in range(processor.members):
        reserved = await store.reserve()
        if reserved is None:
            break
        async with _holding(store, reserved):
            outcome = await _WORK[processor.kind](deployment, processor, store, reserved)
        if outcome.result not in ("delivered", "moved", "dropped"):
            break
    return outcome


async def _store_failed(deployment: Deployment, processor: Processor, error: StoreError) -> Outcome:
    """The store cannot be reached: try again, and switch the processor off after the last attempt."""
    log.error("message processor %s: %s", processor.name, error)
    if processor.store_attempts < 0:
        return Outcome("unreachable", processor.store_retry_s)
    state, key = deployment.runtime.state, f"processor:{processor.name}:store"
    attempts = int(await state.get(key) or 0) + 1
    if attempts < processor.store_attempts:
        await state.set(key, str(attempts))
        return Outcome("unreachable", processor.store_retry_s)
    await state.set(key, None)
    await set_active(deployment, processor.name, False)
    return Outcome("deactivated", max(processor.interval_s, 1.0))


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


async def _sample(deployment: Deployment, processor: Processor, store: Store, reserved: Reserved) -> Outcome:
    message = _message(deployment, processor, reserved)
    try:
        await deployment.required_sequence(processor.parameters["sequence"]).run(message)
    except Fault as fault:
        await run_fault(message, fault)
    await flow_end(message.flow)
    _end(message)
    await store.ack(reserved)
    return Outcome("delivered", processor.following())


def _message(deployment: Deployment, processor: Processor, reserved: Reserved) -> Message:
    flow = Flow(deployment, Collector())
    flow.artifact = f"message-processor:{processor.name}"
    message = unpack(reserved.data, flow)
    if deployment.runtime.tracing.active:
        deployment.runtime.tracing.consider(message)
    return message


def _end(message: Message) -> None:
    if message.flow.trace is not None:
        message.deployment.runtime.tracing.finish(message.flow)


async def _move(deployment: Deployment, processor: Processor, store: Store, reserved: Reserved) -> Outcome:
    target = deployment.stores.get(processor.parameters["message.target.store.name"])
    try:
        if target is None:
            raise StoreError(f"store {processor.parameters['message.target.store.name']!r} is not deployed")
        await target.put(reserved.data)
    except StoreError as error:
        log.warning("message processor %s: %s", processor.name, error)
        original = _message(deployment, processor, reserved)
        await _run(deployment, processor, "message.processor.fault.sequence", original.copy())
        return await _failed(deployment, processor, store, reserved, original)
    await store.ack(reserved)
    await deployment.runtime.state.set(f"processor:{processor.name}:attempts", None)
    return Outcome("delivered", processor.following())


async def _forward(deployment: Deployment, processor: Processor, store: Store, reserved: Reserved) -> Outcome:
    message = _message(deployment, processor, reserved)
    outcome = await _forwarded(deployment, processor, store, reserved, message)
    _end(message)
    return outcome


async def _forwarded(
    deployment: Deployment, processor: Processor, store: Store, reserved: Reserved, message: Message
) -> Outcome:
    original = message.copy()
    name = str(message.properties.get("target.endpoint") or processor.endpoint)
    endpoint = deployment.endpoint(name)
    try:
        if endpoint is None:
            missing = (
                f"endpoint {name!r} is not deployed" if name else "neither targetEndpoint nor target.endpoint is given"
            )
            raise Fault(0, missing)
        await endpoint.send(message)
        await message.payload.read()
        problem = _refused(processor, message)
    except Fault as fault:
        note_fault(original, fault)
        message.flow.failure = fault
        problem = fault.message
    if problem is None:
        await store.ack(reserved)
        await deployment.runtime.state.set(f"processor:{processor.name}:attempts", None)
        if not is_true(message.properties.get("OUT_ONLY")):
            await _run(deployment, processor, "message.processor.reply.sequence", message)
        return Outcome("delivered", processor.following())
    log.warning(
        "message processor %s: %s", processor.name, problem, extra={"correlation_id": message.flow.correlation_id}
    )
    await _run(deployment, processor, "message.processor.fault.sequence", original.copy())
    return await _failed(deployment, processor, store, reserved, original)


def _refused(processor: Processor, message: Message) -> str | None:
    root = None if message.payload.is_json else message.payload.root
    if root is not None and local(root) == "Fault" and not message.payload.pox:
        retried = str(message.properties.get("RETRY_ON_SOAPFAULT", "true")).lower() == "true"
        return "the endpoint answered a SOAP fault" if retried else None
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
        return Outcome("moved", processor.following())
    if processor.drop:
        await store.ack(reserved)
        log.error("message processor %s: message dropped after %d attempts", processor.name, attempts)
        return Outcome("dropped", processor.following())
    await set_active(deployment, processor.name, False)
    log.error("message processor %s: deactivated after %d attempts", processor.name, attempts)
    await _run(deployment, processor, "message.processor.deactivate.sequence", original)
    return Outcome("deactivated", max(processor.interval_s, 1.0))


_WORK = {FORWARDING: _forward, SAMPLING: _sample, FAILOVER: _move}
