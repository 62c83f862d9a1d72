"""Inbound endpoints that are Python classes: polling, listening and event-based (reference 5.11).

The class is made with an `Inlet`: its name and parameters, and `inject` to hand in a message. It has `poll()`, called
every interval; or `listen()`, which runs on a thread of its own; or `register()`, which arranges to be told of events.
`destroy()`, when there is one, is called at the end.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from integrator.engine.content.payload import Payload
from integrator.engine.expressions.scopes import is_true
from integrator.engine.headers import Headers
from integrator.engine.message import Flow, Message, under_way
from integrator.engine.metrics import RUNS
from integrator.engine.replies import Collector
from integrator.engine.scripting import classes
from integrator.engine.sequence import run_flow
from integrator.engine.tasks import flow_end

if TYPE_CHECKING:
    from integrator.engine.deployment import Deployment
    from integrator.engine.services.inbound import Inbound

log = logging.getLogger("integrator.inbound")

METHODS = {"polling": ("poll",), "listening": ("listen",), "eventBased": ("register",)}
LONGEST_S = 300.0
LEASE_S = 15.0
STOP_S = 5.0


class Inlet:
    """What a class knows of its inbound endpoint; used from its own threads."""

    def __init__(
        self,
        inbound: Inbound,
        parameters: Mapping[str, str],
        take: Callable[[Message], Any],
        new: Callable[[], Deployment],
    ):
        self.name = inbound.name
        self.parameters = dict(parameters)
        self.stopped = threading.Event()
        self._sequential = inbound.sequential
        self._loop = asyncio.get_running_loop()
        self._take = take
        self._new = new

    def inject(
        self,
        body: str | bytes,
        content_type: str = "text/plain",
        headers: Mapping[str, str] | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> bool:
        """Run the sequence with a message. With sequential="true" it waits for the end: False when the message shall not count.

        That is after a fault, or when the flow set SET_ROLLBACK_ONLY. Raises RuntimeError when the endpoint was stopped.
        """
        if self.stopped.is_set():
            raise RuntimeError(f"inbound endpoint {self.name} was stopped")
        data = body.encode() if isinstance(body, str) else bytes(body)
        flow = Flow(self._new(), Collector())
        message = Message(
            flow, Payload(data, content_type), Headers([("Content-Type", content_type), *(headers or {}).items()])
        )
        message.properties.update(properties or {})
        running = asyncio.run_coroutine_threadsafe(self._take(message), self._loop)
        return bool(running.result(LONGEST_S)) if self._sequential else True


class Consumers:
    """Starts and stops the class inbounds that a deployment asks for."""

    def __init__(self, current: Callable[[], Deployment]):
        self.current = current
        self._node = uuid.uuid4().hex
        self._running: dict[str, tuple[Inbound, Inlet, asyncio.Task[None]]] = {}

    def follow(self, deployment: Deployment) -> None:
        """Make the running ones those of the deployment; an unchanged record goes on."""
        wanted: dict[str, Inbound] = {
            name: item
            for name, item in deployment.of_kind("inbound-endpoints").items()
            if item.implementation and not item.suspended and name not in deployment.runtime.switches.closed
        }
        for name in [name for name, held in self._running.items() if wanted.get(name) is not held[0]]:
            self._end(name)
        for name, inbound in wanted.items():
            if name not in self._running:
                inlet = Inlet(inbound, inbound.values(deployment), self._taker(inbound), self.current)
                work = asyncio.get_running_loop().create_task(self._run(inbound, inlet))
                self._running[name] = (inbound, inlet, work)

    def _end(self, name: str) -> asyncio.Task[None]:
        _, inlet, work = self._running.pop(name)
        inlet.stopped.set()
        work.cancel()
        return work

    async def stop(self) -> None:
        """Stop all, and wait for what they do now."""
        tasks = [self._end(name) for name in list(self._running)]
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_S)

    def _taker(self, inbound: Inbound) -> Callable[[Message], Any]:
        async def take(message: Message) -> bool:
            flow = message.flow
            under_way.set(flow)
            flow.artifact = f"inbound-endpoint:{inbound.name}"
            message.properties["inbound.endpoint.name"] = inbound.name
            message.properties["isInbound"] = True
            flow.fault = flow.deployment.sequence(inbound.on_error) if inbound.on_error else None
            chain = flow.deployment.sequence(inbound.sequence)
            if chain is None:
                log.error("inbound endpoint %s: sequence %r is not deployed", inbound.name, inbound.sequence)
                return False
            tracing = flow.deployment.runtime.tracing
            if tracing.active:
                tracing.consider(message)
            try:
                await run_flow(message, chain)
            finally:
                await flow_end(flow)
                if flow.trace is not None:
                    tracing.finish(flow)
            kept = "ERROR_MESSAGE" not in message.properties and not is_true(
                message.properties.get("SET_ROLLBACK_ONLY")
            )
            RUNS.labels("inbound", inbound.name, "delivered" if kept else "rolled back").inc()
            return kept

        return take

    async def _run(self, inbound: Inbound, inlet: Inlet) -> None:
        deployment = self.current()
        try:
            path, home = inbound.implementation, deployment.registry.home
            kind = classes.load(home, deployment.config.python_packages, path, METHODS[inbound.behavior])
            made = await deployment.runtime.run(kind, inlet)
        except Exception as error:  # noqa: BLE001  (the class is not ours)
            log.error("inbound endpoint %s: %s", inbound.name, error)
            return
        log.info("inbound endpoint %s: %s %s", inbound.name, inbound.behavior, path)
        try:
            if inbound.behavior == "polling":
                await self._poll(inbound, inlet, made)
            elif inbound.behavior == "listening":
                threading.Thread(target=_guarded, args=(inbound, made.listen), daemon=True, name=inbound.name).start()
                await asyncio.Event().wait()
            else:
                await deployment.runtime.run(_guarded, inbound, made.register)
                await asyncio.Event().wait()
        finally:
            inlet.stopped.set()
            if callable(getattr(made, "destroy", None)):
                threading.Thread(target=_guarded, args=(inbound, made.destroy), daemon=True).start()

    async def _poll(self, inbound: Inbound, inlet: Inlet, made: Any) -> None:
        while not inlet.stopped.is_set():
            runtime = self.current().runtime
            seconds = LEASE_S + inbound.interval_s
            if not inbound.coordination or await runtime.lease(f"inbound:{inbound.name}", self._node, seconds):
                await runtime.run(_guarded, inbound, made.poll)
            await asyncio.sleep(inbound.interval_s)


def _guarded(inbound: Inbound, work: Callable[[], Any]) -> None:
    """The edge of somebody else's code: an error is logged."""
    try:
        work()
    except Exception:
        log.exception("inbound endpoint %s failed", inbound.name)
