"""Host names of organisations' own, once verified: which organisation a name stands for."""

from __future__ import annotations

import time

from django.db import DatabaseError

from apim.accounts.models import PortalDomain

SECONDS = 5.0
"""How long a worker may go by what it has read."""


_read: tuple[float, dict[str, int]] = (0.0, {})


def own_hosts() -> dict[str, int]:
    """Verified host name → the organisation's id, read at most every SECONDS."""
    global _read  # noqa: PLW0603 - one small cache of this worker, replaced as a whole
    read, found = _read
    if read and time.monotonic() - read < SECONDS:
        return found
    try:
        rows = PortalDomain.objects.filter(verified__isnull=False, organisation__active=True)
        found = dict(rows.values_list("host", "organisation_id"))
    except DatabaseError:
        return found
    _read = (time.monotonic(), found)
    return found


def forget() -> None:
    """Read again at the next question."""
    global _read  # noqa: PLW0603 - see above
    _read = (0.0, {})
