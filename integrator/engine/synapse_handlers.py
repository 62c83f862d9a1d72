"""Synapse handlers: Python classes that see every message come, go out, come back and be answered (reference 5.13).

A process has the handlers of its home. They are known before artifacts are compiled, so that without any of them nothing
is asked while messages pass.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from integrator.engine.errors import DeploymentError, Fault, Place
from integrator.engine.replies import WrappedReply
from integrator.engine.scripting import classes
from integrator.engine.scripting.context import MessageContext

if TYPE_CHECKING:
    from integrator.engine.config import Config
    from integrator.engine.message import Message

log = logging.getLogger("integrator.mediation")

REQUEST_IN, REQUEST_OUT, RESPONSE_IN, RESPONSE_OUT = (
    "handleRequestInFlow",
    "handleRequestOutFlow",
    "handleResponseInFlow",
    "handleResponseOutFlow",
)
ERROR, DEPLOYED, UNDEPLOYED = "handleError", "handleArtifactDeployment", "handleArtifactUnDeployment"
Send = Callable[["Message"], Awaitable[None]]


@dataclass(frozen=True)
class Handler:
    """One handler: its name and its object."""

    name: str
    path: str
    made: Any

    def does(self, what: str) -> Callable[..., Any] | None:
        """A callback, when the class has it."""
        found = getattr(self.made, what, None)
        return found if callable(found) else None


active: list[Handler] = []
"""The handlers of the home that is open, in their order."""


def use(config: Config, home: Path) -> tuple[bool, list[DeploymentError]]:
    """Make the configured handlers the active ones; whether that changed anything, and which cannot be used."""
    wanted = [
        (str(item.get("name", "")), str(item.get("class", ""))) for item in config.tables.get("synapse_handlers", ())
    ]
    if [(handler.name, handler.path) for handler in active] == wanted:
        return False, []
    made, errors = [], []
    for name, path in wanted:
        try:
            made.append(Handler(name, path, classes.load(home, config.python_packages, path, ())()))
        except Exception as error:  # noqa: BLE001  (the class is not ours)
            errors.append(
                DeploymentError(Place("conf/deployment.toml", element=f"synapse_handlers {name}"), str(error))
            )
    changed = bool(active or made)
    active[:] = made
    return changed, errors


async def ask(what: str, message: Message) -> bool:
    """Call this callback of every handler, on worker threads; False as soon as one says so. Raises Fault for an error."""
    for handler in active:
        callback = handler.does(what)
        if callback is None:
            continue
        if getattr(handler.made, "reads_content", False):
            await message.payload.read()
        try:
            if await message.deployment.runtime.run(callback, MessageContext(message)) is False:
                log.info("synapse handler %s stopped a message in %s", handler.name, what)
                return False
        except Fault:
            raise
        except Exception as error:
            raise Fault(0, f"synapse handler {handler.name}: {type(error).__name__}: {error}") from error
    return True


def observed(send: Send) -> Send:
    """A leaf endpoint's sending with the handlers around it; without handlers the same function."""
    if not active:
        return send

    async def asked(message: Message) -> None:
        if not await ask(REQUEST_OUT, message):
            raise Fault(0, f"a synapse handler stopped the message in {REQUEST_OUT}")
        await send(message)
        if not await ask(RESPONSE_IN, message):
            raise Fault(0, f"a synapse handler stopped the message in {RESPONSE_IN}")

    return asked


class WatchedReply(WrappedReply):
    """Asks the handlers before an answer leaves."""

    async def send(self, message: Message) -> None:
        """Answer, unless a handler says no. Raises Fault then."""
        if not self.sent and not await ask(RESPONSE_OUT, message):
            raise Fault(0, f"a synapse handler stopped the message in {RESPONSE_OUT}")
        await self.inner.send(message)


async def entering(message: Message, work: Callable[[], Awaitable[None]]) -> None:
    """Run a message's flow with the handlers around it. What a handler that stops it made of it is the answer."""
    reply = message.flow.reply
    if not await ask(REQUEST_IN, message):
        await message.payload.read()
        await reply.send(message)
        return
    message.flow.reply = WatchedReply(reply)
    await work()
    if "ERROR_MESSAGE" in message.properties:
        await ask(ERROR, message)


def told(before: set[tuple[str, str]], after: set[tuple[str, str]]) -> None:
    """Tell the handlers which artifacts (kind, name) came and went."""
    for what, items in ((DEPLOYED, after - before), (UNDEPLOYED, before - after)):
        for handler in active:
            callback = handler.does(what)
            for kind, name in sorted(items) if callback is not None else ():
                _tell(handler, callback, kind, name)


def _tell(handler: Handler, callback: Callable[..., Any] | None, kind: str, name: str) -> None:
    try:
        if callback is not None:
            callback(kind, name)
    except Exception:
        log.exception("synapse handler %s failed", handler.name)
