"""An uploaded archive, kept a while for the person who uploaded it: between the preview of an import and its confirmation."""

from __future__ import annotations

import secrets

from django.core.cache import cache

from apim.accounts.models import User
from publisher.archive.tree import bad

SECONDS = 1800


def keep(by: User, content: bytes) -> str:
    """A ticket for `content`; the person's upload before it is forgotten."""
    ticket = secrets.token_urlsafe(16)
    cache.set(_key(by), (ticket, content), SECONDS)
    return ticket


def kept(by: User, ticket: str) -> bytes:
    """What a ticket is for. Raises BadArchive when it is forgotten: uploads are kept for half an hour."""
    found = cache.get(_key(by))
    if not found or not secrets.compare_digest(found[0].encode(), ticket.encode()):
        raise bad("file", "The upload is no longer kept; choose the file again.")
    content: bytes = found[1]
    return content


def forget(by: User) -> None:
    """Drop the person's upload."""
    cache.delete(_key(by))


def _key(by: User) -> str:
    return f"archive:upload:{by.pk}"
