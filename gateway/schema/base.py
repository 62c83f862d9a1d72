"""What all records have in common."""

from __future__ import annotations

import msgspec

Pairs = tuple[tuple[str, str], ...]
"""Names with their values, in a form that can be hashed."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of all records: immutable, and compact on the wire."""
