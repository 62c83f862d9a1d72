"""An endpoint without an address: a request policy gives one to each call."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import urlsplit

from msgspec.structs import replace

from gateway import faults
from gateway.call import Call
from gateway.endpoints.target import ANSWER_LIMIT, Failed, Outcome, Shape, Target, below
from gateway.message import Answer
from gateway.schema import Endpoint

REMEMBERED = 256
"""Origins whose connections and health are kept; the one unused for longest goes first."""


class Dynamic:
    """The target of `call.outgoing.to`. The resource is put below the address's path, as it is below a fixed endpoint's."""

    __slots__ = ("__weakref__", "_known", "_make", "_record")

    def __init__(self, record: Endpoint, make: Callable[[Endpoint], Target]) -> None:
        self._record = record
        self._make = make
        self._known: OrderedDict[str, Target] = OrderedDict()

    def relay(self, call: Call, shape: Shape) -> Outcome:
        """Sends the call where its policy says."""
        try:
            target = self._aim(call)
        except Failed as failure:
            return call.refuse(failure.fault, failure.cause)
        return target.relay(call, shape)

    async def fetch(self, call: Call, shape: Shape, limit: int = ANSWER_LIMIT) -> Answer:
        """The answer, whole. Raises Failed."""
        return await self._aim(call).fetch(call, shape, limit)

    def _aim(self, call: Call) -> Target:
        """The target of the call's address, whose path moves into the request. Raises Failed."""
        request = call.edit()
        if not request.to:
            raise Failed(faults.CONNECT_FAILED, "no policy gave this call an address (To)")
        try:
            parts = urlsplit(request.to.decode("ascii"))
            found = self._of(f"{parts.scheme}://{parts.netloc}".lower())
        except ValueError as error:
            raise Failed(faults.CONNECT_FAILED, f"the address a policy gave is not usable: {error}") from None
        target = below(parts.path.rstrip("/").encode(), request.target)
        if parts.query:
            target += (b"&" if b"?" in target else b"?") + parts.query.encode()
        if any(octet <= 32 or octet == 127 for octet in target):
            raise Failed(faults.CONNECT_FAILED, "the address a policy gave has a space or control character")
        request.target = target
        request.to = None
        return found

    def _of(self, origin: str) -> Target:
        known = self._known
        if origin in known:
            known.move_to_end(origin)
        else:
            if "@" in origin:
                raise ValueError("it has a user name")
            known[origin] = self._make(replace(self._record, kind="http", url=origin, health=None))
            if len(known) > REMEMBERED:
                known.popitem(last=False)
        return known[origin]
