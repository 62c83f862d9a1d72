"""Revoke One Time Token: a token with the scope is good for one call. Workers that share a Redis agree on who was first."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import redis.asyncio
from redis.exceptions import RedisError

from gateway import faults
from gateway.call import Call
from gateway.endpoints.target import Outcome
from gateway.policies.base import Native, Use
from gateway.stages import Step

if TYPE_CHECKING:
    from gateway.services import Services

log = logging.getLogger("gateway.policy")

MOST = 100_000
"""Used tokens remembered in a worker; beyond it those that expire first go."""

GRACE_SECONDS = 60
LONGEST_SECONDS = 7 * 86_400


class Used:
    """The one-time tokens that were used: in this worker, and over Redis in all."""

    def __init__(self, url: str) -> None:
        self._until: dict[str, float] = {}
        self._redis = redis.asyncio.Redis.from_url(url, socket_timeout=1.0, socket_connect_timeout=1.0)
        self._joined = True

    def first_here(self, token: str, until: float, now: float) -> bool:
        """Whether this worker sees the token for the first time. Asking counts as using."""
        if token in self._until:
            return False
        if len(self._until) >= MOST:
            self._sweep(now)
        self._until[token] = until
        return True

    async def first_anywhere(self, token: str, until: float, now: float) -> bool:
        """The same over all workers; without Redis, as far as this one knows."""
        seconds = int(min(max(1.0, until - now), LONGEST_SECONDS)) + GRACE_SECONDS
        try:
            won = bool(await self._redis.set(f"apim:one-time:{token}", 1, nx=True, ex=seconds))
        except (RedisError, OSError) as error:
            if self._joined:
                log.warning("one-time tokens are checked per worker", extra={"fields": {"reason": str(error)}})
            self._joined = False
            return True
        self._joined = True
        return won

    def _sweep(self, now: float) -> None:
        self._until = {token: until for token, until in self._until.items() if until > now}
        # A tenth at a time: sorting all of them for every further token would cost each call tens of milliseconds.
        for token in sorted(self._until, key=self._until.__getitem__)[: max(0, len(self._until) - MOST * 9 // 10)]:
            del self._until[token]


_used: WeakKeyDictionary[Services, Used] = WeakKeyDictionary()


def used(services: Services) -> Used:
    """What a worker knows of used tokens."""
    found = _used.get(services)
    if found is None:
        found = _used[services] = Used(services.settings.redis)
    return found


def compile(use: Use) -> Step:
    """The step. Tokens without the scope pass, as often as they like."""
    scope = use.text("scope", "OTT")
    known = used(use.plan.services)
    header = use.plan.record.authorization_header.lower().encode()

    async def spend(call: Call, token: str, until: float) -> bool | None:
        if await known.first_anywhere(token, until, call.now):
            return None
        return call.refuse(faults.INVALID, "a one-time token was used before")

    def step(call: Call) -> Outcome:
        principal = call.principal
        if principal is None or scope not in principal.scopes:
            return None
        raw = call.exchange.fields.get(header, b"")
        token = hashlib.sha256((principal.token_id or raw.decode("latin-1")).encode()).hexdigest()
        if not known.first_here(token, principal.expires, call.now):
            return call.refuse(faults.INVALID, "a one-time token was used before")
        return spend(call, token, principal.expires)

    return step


POLICY = Native(compile, flows=frozenset({"request"}))
