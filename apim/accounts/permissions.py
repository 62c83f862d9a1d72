"""The one question every action asks first: may this user do that here?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apim.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from apim.accounts.models import Organisation, User


def require(by: User, *roles: str) -> None:
    """Let `by` pass with one of `roles` (administrators always do).

    Raises Forbidden naming the roles that would do.
    """
    if not by.is_active or not by.has_role(*roles):
        raise Forbidden(f"{by.get_username()} needs one of the roles: {', '.join(map(str, roles)) or 'admin'}.")


def require_same_organisation(by: User, organisation: Organisation) -> None:
    """Refuse, as if the thing did not exist, a user of another organisation. Raises NotFound."""
    if by.organisation_id != organisation.pk:
        raise NotFound
