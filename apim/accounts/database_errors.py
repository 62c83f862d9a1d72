"""Turns what the database refuses to store into the caller's mistake that it is, at the edges of pages and REST.

PostgreSQL takes no NUL character in a text and no number beyond its column; SQLite takes both. Fields are checked
before that where they are known; this is for what slips through (search words, names in a log-in).
"""

from __future__ import annotations

import structlog
from django.db import DataError

from apim.errors import ApimError, Invalid

log = structlog.get_logger(__name__)


def as_mistake(exception: Exception) -> ApimError | None:
    """The error for the caller when `exception` says that a value cannot be stored or looked up, else None."""
    nul = isinstance(exception, ValueError | DataError) and "NUL" in str(exception)
    if not nul and not isinstance(exception, DataError):
        return None
    log.warning("database.value_refused", reason=str(exception))
    return Invalid("A text holds the NUL character." if nul else "A value is too long or too large to be stored.")
