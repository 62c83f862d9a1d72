"""Answers on connections of their own: `separateListener` of enableAddressing (reference 4.2).

The request's ReplyTo names this server and a secret word; who calls that address brings the answer. The word is known only
to the backend, so nobody else can answer. It counts once, in the process that asked, until the time-out.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass

from integrator.engine.content.payload import Payload
from integrator.engine.errors import CONNECTION_TIMEOUT, Fault
from integrator.engine.headers import Headers
from integrator.engine.message import Message

log = logging.getLogger("integrator.http")

NAME = "_answers"
"""The service below which answers arrive."""
MAX_WAITING = 10_000
_waiting: dict[str, asyncio.Future[tuple[Payload, Headers]]] = {}


@dataclass(frozen=True)
class Awaited:
    """One answer that is to come."""

    word: str
    answer: asyncio.Future[tuple[Payload, Headers]]
    seconds: float

    @property
    def path(self) -> str:
        """Where it is to arrive."""
        return f"/services/{NAME}/{self.word}"


def expect(seconds: float) -> Awaited:
    """Begin to wait. Raises Fault when too many wait already."""
    if len(_waiting) >= MAX_WAITING:
        raise Fault(0, f"more than {MAX_WAITING} answers are awaited")
    loop = asyncio.get_running_loop()
    made = Awaited(secrets.token_urlsafe(18), loop.create_future(), seconds)
    _waiting[made.word] = made.answer
    loop.call_later(seconds, _waiting.pop, made.word, None)
    return made


async def arrived(message: Message, awaited: Awaited) -> None:
    """The message becomes the answer, when the backend only accepted the request. Raises Fault when none comes."""
    accepted = message.axis2.get("HTTP_SC") == 202 and message.payload.empty  # noqa: PLR2004
    if not accepted:
        _waiting.pop(awaited.word, None)
        return
    try:
        message.payload, message.headers = await asyncio.wait_for(awaited.answer, awaited.seconds)
    except TimeoutError as error:
        text = f"no answer arrived within {awaited.seconds:g} s"
        raise Fault(CONNECTION_TIMEOUT, text) from error
    message.axis2 = {"HTTP_SC": 200, "HTTP_SC_DESC": "OK"}


async def deliver(message: Message, word: str) -> bool:
    """Hand an answer to who waits for it; False when nobody does."""
    answer = _waiting.pop(word, None)
    if answer is None or answer.done():
        log.warning("an answer came that nobody awaits")
        return False
    await message.payload.read()
    payload, message.payload = message.payload, Payload()
    answer.set_result((payload, message.headers))
    return True
