"""Definitions fetched from an address that somebody typed in: bounded, and never from inside our own network.

The address is resolved once, every result must be a public one, and the connection goes to exactly that; so neither a name that
resolves to an inner address nor one that changes its mind gets us to ask there. Redirects are not followed.
"""

from __future__ import annotations

from urllib.parse import SplitResult

from django.conf import settings

from apim import addresses, pinned
from apim.errors import FieldError, Invalid

MOST_BYTES = 5 * 1024 * 1024
BOUNDS = pinned.Bounds(seconds=10.0, whole_seconds=60.0, most=MOST_BYTES)
AGENT = {"user-agent": "apim-import", "accept": "*/*"}
OUTSIDE = addresses.Rule(
    addresses.public,
    "an address of an inner network; such are asked only with APIM_FETCH_INNER, for a platform inside.",
)


def fetch(url: str) -> bytes:
    """What the http(s) address answers, at most 5 MB. Raises Invalid, naming the field `url`, saying why not."""
    try:
        parts = addresses.parsed(url.strip())
        rule = addresses.BACKENDS if settings.APIM.fetch_inner else OUTSIDE
        address = addresses.resolved(parts.hostname or "", addresses.port_of(parts), rule)
    except (addresses.BadAddress, addresses.NotCalled) as error:
        raise _refused(str(error)) from error
    return _read(parts, address)


def _read(parts: SplitResult, address: str) -> bytes:
    try:
        with pinned.pool(parts, address, BOUNDS) as pool:
            sent = AGENT | {"host": parts.netloc}
            answer = pinned.ask(pool, "GET", pinned.target(parts), sent, None, BOUNDS)
    except pinned.FAILURES as error:
        raise _refused(f"The address did not answer: {pinned.reason(error)}.") from error
    if answer.status != 200:
        raise _refused(f"The address answered {answer.status}, not 200.")
    if not answer.whole:
        raise _refused(f"The answer is larger than {MOST_BYTES // 1024 // 1024} MB.")
    return answer.body


def _refused(message: str) -> Invalid:
    return Invalid(message, [FieldError("url", message)])
