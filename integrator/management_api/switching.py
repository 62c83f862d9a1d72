"""POST on artifacts: active or inactive, and tracing or statistics on or off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from integrator.engine.artifacts import Artifact, EndpointTemplate
from integrator.engine.processors import set_active
from integrator.engine.switches import STATISTICS, TRACE, set_task, switch_endpoint
from integrator.management_api.answers import Call, Refusal, text_of

STATES = ("active", "inactive")
TURNS = ("enable", "disable")
Answer = dict[str, Any]
SetState = Callable[[Call, Artifact, bool], Awaitable[Answer]]


async def apis(call: Call) -> Answer:
    """Tracing and statistics of an API."""
    return await _switch(call, "api", "API", None)


async def sequences(call: Call) -> Answer:
    """Tracing and statistics of a sequence."""
    return await _switch(call, "sequences", "Sequence", None)


async def templates(call: Call) -> Answer:
    """Tracing of a sequence template; endpoint templates have none."""
    body = await call.json()
    if text_of(body, "type", ("sequence", "endpoint")) == "endpoint":
        raise Refusal(400, "field 'type': 'endpoint': only sequence templates can be traced")
    artifact = _found(call, "templates", "Sequence template", body)
    if isinstance(artifact.value, EndpointTemplate):
        raise Refusal(404, f"Sequence template {artifact.name!r} not found")
    return _turned(call, artifact, "Sequence template", body)


async def endpoints(call: Call) -> Answer:
    """State and tracing of an endpoint."""

    async def state(call: Call, artifact: Artifact, active: bool) -> Answer:
        switch_endpoint(artifact.value, active)
        call.deployment.runtime.switches.changed()
        return {"Message": f"{artifact.name} is switched {'On' if active else 'Off'}"}

    return await _switch(call, "endpoints", "Endpoint", state)


async def proxies(call: Call) -> Answer:
    """State and tracing of a proxy service."""

    async def state(call: Call, artifact: Artifact, active: bool) -> Answer:
        artifact.value.switch(active)
        call.deployment.runtime.switches.changed()
        return {"Message": f"Proxy service {artifact.name} {'started' if active else 'stopped'} successfully"}

    return await _switch(call, "proxy-services", "Proxy service", state)


async def inbounds(call: Call) -> Answer:
    """State and tracing of an inbound endpoint."""

    async def state(call: Call, artifact: Artifact, active: bool) -> Answer:
        call.deployment.runtime.switches.close(artifact.name, not active)
        return {"Message": f"Inbound endpoint {artifact.name} {'started' if active else 'stopped'} successfully"}

    return await _switch(call, "inbound-endpoints", "Inbound endpoint", state)


async def tasks(call: Call) -> Answer:
    """State of a scheduled task."""

    async def state(call: Call, artifact: Artifact, active: bool) -> Answer:
        await set_task(call.deployment.runtime.state, artifact.name, active)
        return {"Message": f"Task {artifact.name} is {'activated' if active else 'deactivated'}"}

    return await _switch(call, "tasks", "Task", state, turns=False)


async def processors(call: Call) -> Answer:
    """State of a message processor."""

    async def state(call: Call, artifact: Artifact, active: bool) -> Answer:
        await set_active(call.deployment, artifact.name, active)
        return {"message": f"{artifact.name} : is {'activated' if active else 'deactivated'}"}

    return await _switch(call, "message-processors", "Message processor", state, turns=False)


async def _switch(call: Call, kind: str, word: str, state: SetState | None, turns: bool = True) -> Answer:
    body = await call.json()
    artifact = _found(call, kind, word, body)
    if state is not None and "status" in body:
        active = text_of(body, "status", STATES) == "active"
        answer = await state(call, artifact, active)
        call.audit("enabled" if active else "disabled", kind, {"name": artifact.name})
        return answer
    if turns and ("trace" in body or "statistics" in body):
        return _turned(call, artifact, word, body)
    wanted = [*(["status"] if state is not None else []), *(["trace", "statistics"] if turns else [])]
    raise Refusal(400, f"one of the fields {', '.join(wanted)} is required")


def _turned(call: Call, artifact: Artifact, word: str, body: dict[str, Any]) -> Answer:
    field, what, told = ("trace", TRACE, "tracing") if "trace" in body else ("statistics", STATISTICS, "statistics")
    on = text_of(body, field, TURNS) == "enable"
    call.deployment.runtime.switches.turn(what, (artifact.kind, artifact.name), on)
    call.audit(f"{'enabled' if on else 'disabled'} {told}", word.lower(), {"name": artifact.name})
    return {"message": f"{'Enabled' if on else 'Disabled'} {told} for ('{artifact.name}')"}


def _found(call: Call, kind: str, word: str, body: dict[str, Any]) -> Artifact:
    name = text_of(body, "name")
    artifact = call.deployment.artifacts.get((kind, name))
    if artifact is None:
        raise Refusal(404, f"{word} {name!r} not found")
    return artifact
