"""What can go wrong with clients, keys and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apim.errors import Forbidden, Unauthenticated

if TYPE_CHECKING:
    from pathlib import Path


class VaultLocked(Exception):
    """The operator's mistake: the database was filled with another secrets folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} cannot open the signing keys in the database: put back the file they were sealed with."
        )


class NotClientOwner(Forbidden):
    """Only the owner of an OAuth client and administrators may touch it."""

    def __init__(self, client_id: str) -> None:
        super().__init__(f"The OAuth client {client_id} belongs to somebody else.")


class InvalidToken(Unauthenticated):
    """A bearer token that is malformed, expired, revoked or not from here. The caller is not told which."""

    def __init__(self) -> None:
        super().__init__("The access token is not valid.")
