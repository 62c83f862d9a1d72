"""Turns the engine's own objects into what the control plane shows and schedules."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from integrator.actions.status import Outcome
from integrator.engine.deployment import Deployment
from integrator.engine.errors import DeploymentError
from integrator.engine.message import Message
from integrator.engine.processors import Processor as EngineProcessor
from integrator.engine.stores.base import Store, StoreError
from integrator.engine.tasks import Task as EngineTask
from integrator.snapshot import Artifact, Processor, Snapshot, Task, Trigger

SHOWN = 1000
"""Characters of a result that are kept."""
RESULT = "TASK_RESULT"
"""Default-scope property in which a task's flow may leave a text for people."""
STOCK = "stock/"
KINDS = {
    "api": "api",
    "proxy-services": "proxy-service",
    "sequences": "sequence",
    "endpoints": "endpoint",
    "local-entries": "local-entry",
    "templates": "template",
    "tasks": "task",
    "message-stores": "message-store",
    "message-processors": "message-processor",
}
"""The engine's kinds, named after their folders, in the words of people."""
FAILED_STEPS = {
    "retry": "delivery failed, it will be tried again",
    "unreachable": "the store cannot be reached, it will be tried again",
    "dropped": "delivery failed too often, the message was dropped",
    "moved": "delivery failed too often, the message was moved to the store of failed messages",
    "deactivated": "delivery failed too often, the processor was switched off",
}


async def of_deployment(home: str, deployment: Deployment) -> Snapshot:
    """Everything of a deployment that concerns the control plane."""
    sizes = {name: await _size(store) for name, store in deployment.stores.items()}
    return Snapshot(
        home=home,
        tasks=tuple(Task(name, task_trigger(task)) for name, task in deployment.tasks.items()),
        processors=tuple(_processor(name, held) for name, held in deployment.processors.items()),
        artifacts=(*_artifacts(deployment, sizes), *_refusals(deployment.errors)),
    )


def task_trigger(task: EngineTask) -> Trigger:
    """When a task runs."""
    if task.once:
        return Trigger(once=True)
    if task.cron is not None:
        return Trigger(cron=task.cron.text)
    return Trigger(interval=task.interval_s or 1.0, count=task.count if task.count > 0 else None)


def of_flow(message: Message) -> Outcome:
    """How the flow of a task ended: its fault, or the text that it left in the property TASK_RESULT."""
    failure = message.flow.failure
    if failure is not None:
        return Outcome(error=f"{failure.code}: {failure.message}" + (f" at {failure.place}" if failure.place else ""))
    result = message.properties.get(RESULT)
    return Outcome(result=str(result)[:SHOWN] if isinstance(result, str) and result else "done")


def of_step(result: str) -> Outcome:
    """What one step of a processor came to."""
    return Outcome(result=result, error=FAILED_STEPS.get(result, ""))


def _processor(name: str, held: EngineProcessor) -> Processor:
    cron = held.parameters.get("cronExpression", "")
    return Processor(name, Trigger(cron=cron) if cron else Trigger(interval=held.interval_s), held.store, held.active)


def _artifacts(deployment: Deployment, sizes: dict[str, int | None]) -> list[Artifact]:
    found = [
        Artifact(
            KINDS.get(kind, kind),
            name,
            detail=_detail(kind, artifact.value, sizes.get(name), deployment.stores.get(name)),
        )
        for (kind, name), artifact in deployment.artifacts.items()
        if not artifact.file.startswith(STOCK)
    ]
    return found + [Artifact("data-service", name) for name in deployment.data_services]


def _detail(kind: str, value: Any, size: int | None, store: Store | None) -> dict[str, Any]:
    if kind == "tasks":
        return {"trigger": told(task_trigger(value))}
    if kind == "message-processors":
        processor = _processor(value.name, value)
        return {"trigger": told(processor.trigger), "store": processor.store, "active": processor.active}
    if kind == "message-stores" and store is not None:
        return {"messages": size, "durable": bool(getattr(store, "durable", False))}
    return {}


def told(trigger: Trigger) -> str:
    """A trigger in words."""
    if trigger.cron:
        return f"at {trigger.cron}"
    if trigger.once:
        return "once"
    times = f", {trigger.count} times" if trigger.count is not None else ""
    return f"every {trigger.interval:g} s{times}"


def _refusals(errors: tuple[DeploymentError, ...]) -> list[Artifact]:
    """One refused artifact per file; several mistakes of a file are told together."""
    found: dict[str, list[DeploymentError]] = {}
    for error in errors:
        found.setdefault(error.place.file, []).append(error)
    return [Artifact(*_named(file), error="; ".join(str(error) for error in held)) for file, held in found.items()]


def _named(file: str) -> tuple[str, str]:
    path = PurePosixPath(file)
    if path.suffix == ".dbs":
        return "data-service file", path.name
    return f"{KINDS.get(path.parent.name, path.parent.name or 'server')} file", path.name


async def _size(store: Store) -> int | None:
    try:
        return await store.size()
    except StoreError:
        return None
