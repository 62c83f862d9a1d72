"""What the gateway shows backends: Basic, Digest, OAuth2 tokens, API keys. Nothing of it is ever logged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from wire.heads import Header


@dataclass(frozen=True, slots=True)
class Request:
    """What is signed. `target` is the request target at the backend; `body` None when it streams through unread."""

    method: bytes
    target: bytes
    body: bytes | None


class Security(Protocol):
    """One way to be known to a backend."""

    hides: frozenset[bytes]
    """Headers of the caller that ours replace, by their lower-case names."""

    renewable: bool
    """Whether a 401 may be answered by sending the request once more."""

    def ready(self) -> bool:
        """Whether `sign` can do its work now; if not, `prepare` first."""

    async def prepare(self, request: Request) -> None:
        """Gets what is needed from elsewhere. Raises Failed."""

    def sign(self, request: Request) -> tuple[bytes, bytes]:
        """The target and the header lines (each with CRLF) for this request."""

    def refused(self, headers: list[Header]) -> bool:
        """The backend answered 401: whether it makes sense to prepare, sign and send once more."""

    def answered(self, headers: list[Header]) -> None:
        """The backend took it."""
