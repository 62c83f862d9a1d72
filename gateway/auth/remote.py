"""Questions to others about a credential: asked once for all calls that wait for the same answer, with bounded patience."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from gateway.tokens.jwt import Rejected
from wire.client import AnswerTooLarge, Client, Limits
from wire.heads import Header
from wire.upstream import UpstreamError

T = TypeVar("T")

PATIENCE = Limits(connect=2.0, read=5.0)
WHOLE = 8.0
"""Seconds for one question altogether."""


class Unanswered(Rejected):
    """Nobody gave a usable answer. That is no fault of the caller's (900900), and must not be remembered."""


class Once(Generic[T]):
    """Joins callers that ask the same at the same time; at most `most` different questions wait at once."""

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._open: dict[bytes, asyncio.Task[T]] = {}

    async def ask(self, key: bytes, question: Callable[[], Awaitable[T]]) -> T:
        """The answer to `question`, or to the one under way for `key`. Raises what it raises, Unanswered when too many wait."""
        task = self._open.get(key)
        if task is None:
            if len(self._open) >= self._most:
                raise Unanswered("too many questions are open")
            task = self._open[key] = asyncio.ensure_future(_within(question))
            task.add_done_callback(lambda _: self._open.pop(key, None))
        return await asyncio.shield(task)


async def _within(question: Callable[[], Awaitable[T]]) -> T:
    try:
        return await asyncio.wait_for(question(), WHOLE)
    except TimeoutError as error:
        raise Unanswered(f"no answer within {WHOLE:g} seconds") from error


async def fetch(
    client: Client, method: str, url: str, headers: list[Header], body: bytes | None, limit: int
) -> tuple[int, bytes]:
    """Status and body of an answer of at most `limit` bytes. Raises Unanswered."""
    try:
        async with await client.request(method, url, headers, body, PATIENCE) as answer:
            return answer.status, await answer.body(limit)
    except (UpstreamError, AnswerTooLarge, ValueError) as error:
        raise Unanswered(f"{url.partition('?')[0]}: {error}") from error
