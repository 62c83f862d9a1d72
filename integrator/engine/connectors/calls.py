"""One call of an operation, as its function sees it, and how its errors become faults that name no secret."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from integrator.engine.connectors.connections import Connections
from integrator.engine.connectors.limits import Limits, NotAllowed
from integrator.engine.errors import Fault
from integrator.engine.message import Message
from integrator.engine.runtime import Runtime

T = TypeVar("T")
LONGEST_S = 600.0
SHORTEST = 3
"""Letters of a secret that is taken out of error texts; a shorter one would take the text apart."""


class ConnectorError(Exception):
    """An operation failed. `code` becomes ERROR_CODE, `name` (such as FILE:ILLEGAL_PATH) leads ERROR_MESSAGE."""

    def __init__(self, code: int, name: str, detail: str):
        super().__init__(f"{name}: {detail}" if name else detail)
        self.code = code


@dataclass(frozen=True)
class Described:
    """The evaluated parameters of a connection. Two that are equal share a pool."""

    connector: str
    values: Mapping[str, Any] = field(repr=False)
    key: tuple[Any, ...] = field(repr=False)

    @classmethod
    def of(cls, connector: str, values: Mapping[str, Any]) -> Described:
        """The connection that these values describe."""
        return cls(connector, values, (connector, *(repr(item) for item in sorted(values.items()))))


@dataclass
class Call:
    """The message, the values of the operation's parameters, those of its connection, and what operations may use."""

    message: Message
    connector: str
    operation: str
    values: Mapping[str, Any] = field(repr=False)
    described: Described

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def connection(self) -> Mapping[str, Any]:
        """Values of `<name.init>`."""
        return self.described.values

    @property
    def runtime(self) -> Runtime:
        """Client, threads and pools of the integrator."""
        return self.message.deployment.runtime

    @property
    def connections(self) -> Connections:
        """What is kept open between calls."""
        return self.runtime.connections

    @property
    def limits(self) -> Limits:
        """What the operator allows."""
        return self.message.deployment.config.connector_limits

    async def blocking(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a function of a blocking library on the bounded pool of threads."""
        return await self.runtime.run(function, *arguments)

    async def opened(self, function: Callable[[], T], close: Callable[[T], Any]) -> T:
        """`blocking` for what must be closed: when nobody waits for it any more, it is closed as soon as it is there."""
        work = self.runtime.threads.submit(function)

        def late(done: Future[T]) -> None:
            if not done.cancelled() and done.exception() is None:
                close(done.result())

        try:
            return await asyncio.wrap_future(work)
        except asyncio.CancelledError:
            work.add_done_callback(late)
            raise


def scrubbed(text: str, secrets: tuple[str, ...]) -> str:
    """Text in which no secret stands any more, as it is or percent-encoded; one or two letters are none."""
    for secret in secrets:
        if len(secret) >= SHORTEST:
            text = text.replace(secret, "***").replace(quote(secret, safe=""), "***")
    return text


def fault_of(error: Exception, what: str, code: int, secrets: tuple[str, ...]) -> Fault:
    """The fault of a failed call. Nothing of the error itself is kept, as it could hold a password."""
    if isinstance(error, ConnectorError):
        code, text = error.code, str(error)
    elif isinstance(error, Fault):
        code, text = error.code, error.message
    elif isinstance(error, NotAllowed):
        text = str(error)
    elif isinstance(error, TimeoutError):
        text = f"no answer in time{f': {error}' if str(error) else ''}"
    else:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    text = scrubbed(text, secrets)
    return Fault(code, text, f"{what}: {text}")
