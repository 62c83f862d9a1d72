"""Regular expressions of conditions and rules, run by RE2: time and memory grow with the text and nothing else.

People write them, strangers' requests are matched with them, so a library that backtracks would let one header stop a worker.
"""

from __future__ import annotations

from typing import Any

import re2

LONGEST = 1000
"""Characters of a pattern."""

_options = re2.Options()
_options.log_errors = False
_options.max_mem = 1 << 20


def pattern(text: str) -> Any:
    """The compiled pattern. Raises ValueError saying what is wrong with it."""
    if len(text) > LONGEST:
        raise ValueError(f"the pattern has {len(text)} characters, at most {LONGEST} are allowed")
    try:
        return re2.compile(text, _options)
    except re2.error as error:
        reason = error.args[0] if error.args else "not valid"
        reason = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise ValueError(
            f"the pattern {text!r} is not one that RE2 takes ({reason}); look-around and back-references are not"
        ) from error
