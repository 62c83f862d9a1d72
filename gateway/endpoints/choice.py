"""Targets made of leaves: one, the first that works, or a balance of several."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Literal

from gateway import faults
from gateway.call import Call
from gateway.endpoints.attempt import Attempt, fetch
from gateway.endpoints.leaf import Leaf, method_of
from gateway.endpoints.target import ANSWER_LIMIT, Outcome, Shape
from gateway.faults import Fault
from gateway.message import Answer
from wire.client import IDEMPOTENT
from wire.heads import Header

REPLAY_LIMIT = 256 * 1024
"""A request body of at most so many bytes is kept, where it may have to be sent twice. Longer ones stream and are sent once."""

_CLIENT = re.compile(rb"<(?:[\w.-]+:)?(?:ClientID|ServiceGroupId)\b[^>]{0,512}>\s*([^<]{1,256}?)\s*<")
"""The id of a SOAP session: of the client's own making, or of Axis2's."""


class Choice:
    """What all targets of leaves share. Subclasses say in which order a call tries them."""

    __slots__ = ("__weakref__", "_bodies", "leaves")

    def __init__(self, leaves: tuple[Leaf, ...]) -> None:
        self.leaves = leaves
        self._bodies = any(leaf.security is not None and leaf.security.renewable for leaf in leaves)

    def relay(self, call: Call, shape: Shape) -> Outcome:
        """Sends the call on; its answer streams back."""
        if call.exchange.has_body and self.keeps_body(call):
            return self._relay_kept(call, shape)
        return Attempt(call, shape, self).start()

    async def fetch(self, call: Call, shape: Shape, limit: int = ANSWER_LIMIT) -> Answer:
        """The answer, whole. Raises Failed."""
        if call.exchange.has_body and self.keeps_body(call):
            await call.read(REPLAY_LIMIT)
        return await fetch(call, shape, self, limit)

    async def _relay_kept(self, call: Call, shape: Shape) -> bool:
        await call.read(REPLAY_LIMIT)
        outcome = Attempt(call, shape, self).start()
        return outcome if isinstance(outcome, bool) else await outcome

    def keeps_body(self, call: Call) -> bool:
        """Whether the body of this request is read before it is sent: it may be sent twice, and is short."""
        if call.outgoing is not None and call.outgoing.body is not None:
            return False
        length = call.exchange.fields.get(b"content-length")
        if length is None or int(length) > REPLAY_LIMIT:
            return False
        return self._bodies or (method_of(call) in IDEMPOTENT and (len(self.leaves) > 1 or self.leaves[0].retries > 0))

    def order(self, call: Call) -> Iterator[Leaf]:
        """The leaves in their order, each as often as it may be tried."""
        return repeated(self.leaves)

    def none_ready(self, shape: Shape) -> Fault:
        """303001, with the state of the one leaf."""
        health = self.leaves[0].health
        return faults.suspended(shape.name, "SUSPENDED" if health is None or health.down else health.state)

    def answered(self, call: Call, leaf: Leaf, headers: list[Header]) -> bytes:
        """Nothing to add."""
        return b""


class Failover(Choice):
    """The first that works, in their order."""

    __slots__ = ()

    def none_ready(self, shape: Shape) -> Fault:
        """303000."""
        return faults.none_ready("Failover", shape.name)


class Balance(Choice):
    """One after the other, each as often as its weight says; callers in a session stay with theirs."""

    __slots__ = ("_cookie", "_current", "_failover", "_milliseconds", "_session", "_weights")

    def __init__(
        self,
        leaves: tuple[Leaf, ...],
        weighted: bool,
        failover: bool,
        session: Literal["", "simple", "transport", "soap"],
        milliseconds: int,
    ) -> None:
        super().__init__(leaves)
        self._weights = [leaf.weight if weighted else 1 for leaf in leaves]
        self._current = [0] * len(leaves)
        self._failover = failover
        self._session = session
        self._milliseconds = milliseconds
        self._cookie = b"APIM_NODE_" + hashlib.sha256(b"".join(leaf.mark for leaf in leaves)).hexdigest()[:8].encode()

    def keeps_body(self, call: Call) -> bool:
        """Also where the session is named in it."""
        if self._session in ("simple", "soap") and call.outgoing is None:
            length = call.exchange.fields.get(b"content-length")
            return length is not None and int(length) <= REPLAY_LIMIT
        return super().keeps_body(call)

    def none_ready(self, shape: Shape) -> Fault:
        """303000."""
        return faults.none_ready("Loadbalance", shape.name)

    def order(self, call: Call) -> Iterator[Leaf]:
        """The session's leaf or the next in turn; then the others, where failover is on."""
        first = self._of_session(call)
        if first is None or not first.ready():
            first = self._next()
        if first is None:
            return iter(())
        others = [leaf for leaf in self.leaves if leaf is not first] if self._failover else []
        return repeated((first, *others))

    def answered(self, call: Call, leaf: Leaf, headers: list[Header]) -> bytes:
        """A cookie that says which leaf it was, when this answer begins a session or the session moved."""
        if self._session != "transport":
            return b""
        known = cookie(call, self._cookie)
        if known == leaf.mark or (known is None and not any(name == b"set-cookie" for name, _ in headers)):
            return b""
        path = call.exchange.path[: call.cut] or b"/"
        age = b"; Max-Age=%d" % -(-self._milliseconds // 1000) if self._milliseconds else b""
        return b"set-cookie: %b=%b; Path=%b%b; HttpOnly\r\n" % (self._cookie, leaf.mark, path, age)

    def _next(self) -> Leaf | None:
        """Smooth weighted turns among the leaves that are ready: nobody gets all of its turns in a row."""
        best, total = -1, 0
        for number, leaf in enumerate(self.leaves):
            if leaf.ready():
                self._current[number] += self._weights[number]
                total += self._weights[number]
                if best < 0 or self._current[number] > self._current[best]:
                    best = number
        if best < 0:
            return None
        self._current[best] -= total
        return self.leaves[best]

    def _of_session(self, call: Call) -> Leaf | None:
        if not self._session:
            return None
        if self._session == "transport":
            mark = cookie(call, self._cookie)
            return next((leaf for leaf in self.leaves if leaf.mark == mark), None)
        found = _CLIENT.search((call.outgoing.body or b"")[:REPLAY_LIMIT]) if call.outgoing is not None else None
        if found is None:
            return None
        # The same on every worker and host, and as good as unchanged when a leaf comes or goes: the highest hash wins.
        return max(self.leaves, key=lambda leaf: hashlib.sha256(leaf.mark + found[1]).digest())


def repeated(leaves: tuple[Leaf, ...]) -> Iterator[Leaf]:
    """Each leaf, and again for each of its retries."""
    for leaf in leaves:
        for _ in range(1 + leaf.retries):
            yield leaf


def cookie(call: Call, name: bytes) -> bytes | None:
    """The value of a cookie of the request."""
    for part in call.exchange.fields.get(b"cookie", b"").split(b";"):
        known, _, value = part.strip().partition(b"=")
        if known == name:
            return value
    return None
