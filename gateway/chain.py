"""Runs the steps of a call. Nearly all answer at once; where one has to wait, the rest of the chain goes on after it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

from gateway import faults
from gateway.call import Call
from gateway.stages import Step
from wire.exchange import BodyTooLarge, Disconnected

log = logging.getLogger("gateway")

_waiting: set[asyncio.Task[None]] = set()
"""Keeps tasks alive until they end, as asyncio asks for."""


def proceed(call: Call, steps: tuple[Step, ...]) -> None:
    """Runs `steps` until one answers the call or has to wait."""
    for step in steps:
        outcome = step(call)
        if outcome is not None:
            if outcome is not True:
                wait(call, outcome, steps[steps.index(step) + 1 :])
            return


def wait(call: Call, work: bool | Awaitable[bool | None], rest: tuple[Step, ...]) -> None:
    """Goes on with `rest` when `work` is done and did not answer the call."""
    task = asyncio.ensure_future(_resume(call, work, rest))
    _waiting.add(task)
    task.add_done_callback(_waiting.discard)


async def _resume(call: Call, work: bool | Awaitable[bool | None], rest: tuple[Step, ...]) -> None:
    try:
        answered = work if isinstance(work, bool) else await work
        if answered:
            return
        if call.exchange.lost:
            call.finished(499)
            return
        proceed(call, rest)
    except Disconnected:
        call.finished(499)
    except BodyTooLarge as error:
        call.refuse(faults.too_large(error.limit))
    except Exception:
        log.exception("a step failed", extra={"fields": {"correlation_id": call.correlation.decode("latin-1")}})
        if call.exchange.started:
            call.exchange.abort()
            call.finished(call.exchange.status)
        else:
            call.refuse(faults.UNCLASSIFIED, "a step failed")
