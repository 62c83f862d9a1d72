"""The stages of a call. Each file compiles one: `compile(...)` gives a step, or None when there is nothing to do.

A step takes the call and returns None to go on, True when it answered it, which ends the chain, or an awaitable when it has to
wait: the chain goes on when that gives None or False (gateway.chain).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.call import Call

Step = Callable[[Call], bool | Awaitable[bool | None] | None]
