"""The stages of a call. Each file compiles one: `compile(...)` gives a step, or None when there is nothing to do.

A step takes the call and returns True when it answered it, which ends the chain.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.call import Call

Step = Callable[[Call], bool | None]
