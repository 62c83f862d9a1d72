"""The message context: what every step reads and changes, and the flow that all copies of one message share."""

from __future__ import annotations

import asyncio
import random
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from integrator.engine.content.payload import Payload
from integrator.engine.errors import Fault
from integrator.engine.headers import Headers
from integrator.engine.walking import Frame, walk

if TYPE_CHECKING:
    from integrator.engine.deployment import Deployment
    from integrator.engine.sequence import Chain
    from integrator.engine.tracing.message import Cursor
    from integrator.engine.tracing.record import Trace
    from wire.client import Client

__all__ = ["Flow", "Frame", "Message", "Reply", "new_id", "under_way"]

_seeded = random.Random(random.SystemRandom().getrandbits(256)).getrandbits  # noqa: S311  (ids need to differ, nobody may rely on not guessing them)

_VERSION = 4 << 76 | 2 << 62
_FREE = (1 << 128) - 1 & ~(15 << 76 | 3 << 62)
"""The bits of a UUID that say which kind it is, and those that are free."""


def new_id() -> str:
    """A random UUID (version 4) as text."""
    digits = "%032x" % (_seeded(128) & _FREE | _VERSION)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class Reply(Protocol):
    """Where an answer goes: an HTTP exchange, or a collector when the engine itself injected the message."""

    sent: bool

    async def send(self, message: Message) -> None:
        """Answer with this message, once; a second answer is ignored with a warning."""

    def accept(self) -> None:
        """Answer 202 at once; the flow goes on."""


class Flow:
    """What one incoming message and all its copies have in common."""

    __slots__ = (
        "artifact",
        "correlation_id",
        "deployment",
        "failure",
        "fault",
        "groups",
        "out",
        "reply",
        "service",
        "tasks",
        "trace",
        "transport",
    )

    def __init__(self, deployment: Deployment, reply: Reply, correlation_id: str = ""):
        self.deployment = deployment
        self.reply = reply
        self.correlation_id = correlation_id or new_id()
        self.artifact = ""
        self.service = ""
        self.transport = "http"
        self.out: Chain | None = None
        self.fault: Chain | None = None
        self.failure: Fault | None = None
        self.trace: Trace | None = None
        self.tasks: set[asyncio.Task[Any]] = set()
        self.groups: dict[Any, Any] = {}


under_way: ContextVar[Flow | None] = ContextVar("under_way", default=None)
"""The flow of the message that is served here: log lines take correlation id and artifact of it."""


class Message:
    """Message context (reference 2.1). Default-scope properties live on into the response; the others are per direction."""

    __slots__ = (
        "_id",
        "action",
        "addressing",
        "axis2",
        "client_options",
        "flow",
        "frames",
        "func",
        "headers",
        "node",
        "operation",
        "payload",
        "properties",
        "response",
        "suspended",
        "to",
        "variables",
    )

    def __init__(self, flow: Flow, payload: Payload, headers: Headers | None = None):
        self.flow = flow
        self.payload = payload
        self.headers = headers or Headers()
        self._id = ""
        self.properties: dict[str, Any] = {}
        self.axis2: dict[str, Any] = {}
        self.operation: dict[str, Any] = {}
        self.client_options: dict[str, Any] = {}
        self.addressing: dict[str, str] = {}
        self.func: list[dict[str, Any]] = []
        self.frames: list[Frame] = []
        self.to: str | None = None
        self.action: str | None = None
        self.response = False
        self.suspended = False
        self.variables: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        """Message id, made when it is first asked for."""
        if not self._id:
            self._id = f"urn:uuid:{new_id()}"
        return self._id

    @id.setter
    def id(self, value: str) -> None:
        self._id = value

    @property
    def deployment(self) -> Deployment:
        """The snapshot this message runs on from beginning to end."""
        return self.flow.deployment

    def set_type(self, content_type: str) -> None:
        """The body was made here: its type goes to messageType, ContentType and the header (reference 2.4)."""
        self.axis2["messageType"] = self.axis2["ContentType"] = content_type
        self.axis2.pop("NO_ENTITY_BODY", None)
        self.headers.set("Content-Type", content_type)

    walk = walk
    """Runs a chain on this message. A traced message (tracing.message) has its own."""
    node: Cursor
    """Where the trace of a traced message stands; unset on others."""

    def through(self, client: Client) -> Client:
        """The client by which this message is sent. A traced message puts one that takes notes before it."""
        return client

    def copy(self, payload: Payload | None = None) -> Message:
        """A full copy with a payload of its own, or with the one given; the flow stays shared. The body must have been read."""
        made = type(self)(self.flow, self.payload.copy() if payload is None else payload, self.headers.copy())
        made.properties = dict(self.properties)
        made.axis2 = dict(self.axis2)
        made.operation = self.operation
        made.client_options = dict(self.client_options)
        made.addressing = dict(self.addressing)
        made.func = [dict(parameters) for parameters in self.func]
        made.frames = [Frame(frame.chain, frame.index) for frame in self.frames]
        made.to, made.action, made.response = self.to, self.action, self.response
        if self.variables is not None:
            made.variables = dict(self.variables)
        return made
