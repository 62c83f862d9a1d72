"""Regular expressions of conditions and rules, run by RE2: time and memory grow with the text and nothing else.

People write them, strangers' requests are matched with them, so a library that backtracks would let one header stop a worker.
"""

from __future__ import annotations

from typing import Any

import re2

LONGEST = 1000
"""Characters of a pattern."""

MEMORY = 1 << 20
"""Bytes that a pattern may take."""


def pattern(text: str, longest: int = LONGEST, memory: int = MEMORY, *, any_case: bool = False) -> Any:
    """The compiled pattern; with `any_case` letters match in either case, and a dot line ends too.

    Raises ValueError saying what is wrong with it.
    """
    if len(text) > longest:
        raise ValueError(f"the pattern has {len(text)} characters, at most {longest} are allowed")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory
    options.case_sensitive = not any_case
    options.dot_nl = any_case
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "not valid"
        reason = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise ValueError(
            f"the pattern {text!r} is not one that RE2 takes ({reason}); look-around and back-references are not"
        ) from error
