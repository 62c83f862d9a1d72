"""Load balancing that keeps a session at the member where it began (reference 4.4)."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from integrator.engine.endpoints.base import Endpoint, Property
from integrator.engine.endpoints.groups import LoadBalance, adopt
from integrator.engine.errors import SESSION_FAILED, SESSION_INVALID_PATH, SESSION_NOT_READY, Discarded, Fault
from integrator.engine.message import Message
from integrator.engine.xmltools import local

if TYPE_CHECKING:
    from integrator.engine.runtime import Runtime

log = logging.getLogger("integrator.endpoint")

MOST = 100_000
"""Sessions remembered for one endpoint; beyond it the one unused for longest is forgotten."""
DEFAULT_MS = 120_000


class Sessions:
    """Which member serves which session, by the member's label; forgotten when unused for too long."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def find(self, key: str) -> str | None:
        """Label of the member, None for an unknown or ended session."""
        found = self._held.get(key)
        if found is None:
            return None
        if found[1] < time.monotonic():
            del self._held[key]
            return None
        return found[0]

    def keep(self, key: str, label: str, seconds: float) -> None:
        """Begin or prolong a session."""
        self._held[key] = (label, time.monotonic() + seconds)
        self._held.move_to_end(key)
        if len(self._held) > MOST:
            self._held.popitem(last=False)


_by_runtime: WeakKeyDictionary[Runtime, dict[str, Sessions]] = WeakKeyDictionary()
"""Sessions outlive deployments: they belong to the process, by name of the endpoint."""


def _cookies(text: str | None) -> list[str]:
    try:
        return [f"{name}={item.value}" for name, item in SimpleCookie(text or "").items()]
    except CookieError:
        return []


def http_request(message: Message) -> list[str]:
    """Cookies of a request."""
    return _cookies(message.headers.get("Cookie"))


def http_response(message: Message) -> list[str]:
    """Cookies that an answer sets."""
    values = [value for name, value in message.headers if name.lower() == "set-cookie"]
    return [pair for value in values[:50] for pair in _cookies(value)]


def soap_request(message: Message) -> list[str]:
    """The ServiceGroupContextId of the SOAP header."""
    return _header_texts(message, "ServiceGroupContextId")


def soap_response(message: Message) -> list[str]:
    """The ServiceGroupContextId that a service gave, in the header itself or in ReplyTo's reference parameters."""
    return _header_texts(message, "ServiceGroupContextId")


def client_request(message: Message) -> list[str]:
    """The ClientID that the client chose."""
    return _header_texts(message, "ClientID")


def _header_texts(message: Message, name: str) -> list[str]:
    if message.payload.is_json or message.payload.empty:
        return []
    texts = [
        (item.text or "").strip()
        for item in message.payload.header.iter()
        if isinstance(item.tag, str) and local(item) == name
    ]
    return [text for text in texts if text][:1]


Reads = Callable[[Message], list[str]]
KINDS: dict[str, tuple[Reads, Reads | None]] = {
    "http": (http_request, http_response),
    "soap": (soap_request, soap_response),
    "simpleClientSession": (client_request, None),
}
"""What names the session in a request, and in an answer; without the latter the client names it."""


class SessionLoadBalance(Endpoint):
    """The first message of a session goes where the algorithm says, later ones to the same member."""

    kind = "Session Affinity Load Balance Endpoint"

    def __init__(
        self,
        name: str,
        on_error: str | None,
        properties: tuple[Property, ...],
        group: LoadBalance,
        session: str,
        timeout_ms: int | None,
    ):
        super().__init__(name, on_error, properties)
        self.group = group
        self.session = session
        self.timeout_ms = timeout_ms
        self.of_request, self.of_response = KINDS[session]
        self.labels = [label_of(member, number) for number, member in enumerate(group.members)]

    def children(self) -> Sequence[Endpoint]:
        """The members."""
        return self.group.members

    def ready(self, message: Message) -> bool:
        """Whether one of the members is."""
        return self.group.ready(message)

    async def send(self, message: Message) -> None:
        """Send within the session. Raises Fault 309001 - 309003 for a session whose member cannot serve it."""
        for item in self.properties:
            item.apply(message)
        await message.payload.read()
        held = _by_runtime.setdefault(message.deployment.runtime, {}).setdefault(self.name, Sessions())
        keys = self.of_request(message)
        known = next(((key, label) for key in keys if (label := held.find(key))), None)
        if known is not None:
            await self._continue(message, held, *known)
            return
        if keys and self.session == "soap":
            raise Fault(SESSION_FAILED, f"{self.name}: the session {keys[0]!r} is not known here, or has ended")
        index = await self.group.send_new(message)
        await self._begin(message, held, index, keys)

    async def _begin(self, message: Message, held: Sessions, index: int, keys: list[str]) -> None:
        if self.of_response is not None:
            if self.session == "soap":
                await message.payload.read()
            keys = self.of_response(message)
        for key in keys:
            held.keep(key, self.labels[index], self.seconds(message))

    async def _continue(self, message: Message, held: Sessions, key: str, label: str) -> None:
        if label not in self.labels:
            raise Fault(SESSION_INVALID_PATH, f"{self.name}: the session is at {label}, which is no member any more")
        index = self.labels.index(label)
        member = self.group.members[index]
        if not member.ready(message):
            raise Fault(SESSION_NOT_READY, f"{self.name}: the session's endpoint {label} is not ready")
        copy = message.copy()
        try:
            await member.send(copy)
        except Discarded:
            raise
        except Fault as fault:
            raise Fault(SESSION_FAILED, f"{self.name}: the session's endpoint {label} failed", fault.message) from fault
        adopt(message, copy)
        held.keep(key, label, self.seconds(message))
        await self._begin(message, held, index, [])

    def seconds(self, message: Message) -> float:
        """How long a session may be unused."""
        if self.timeout_ms is not None:
            return self.timeout_ms / 1000
        return (
            float(message.deployment.config.mediation("synapse.sal.endpoints.sesssion.timeout.default", DEFAULT_MS))
            / 1000
        )


def label_of(member: Endpoint, number: int) -> str:
    """What a member is known by in other deployments: its name or address."""
    return member.name or str(getattr(member, "address", "")) or f"#{number}"
