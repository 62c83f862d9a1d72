"""What every action of the publisher does first: permission, organisation, lock, and the caller's version."""

from __future__ import annotations

import hashlib

from apim.accounts.models import BuiltinRole, Organisation, User
from apim.accounts.permissions import require, require_same_organisation
from apim.errors import NotFound, PreconditionFailed
from apim.eventhub.publish import take_turn
from publisher.models import Api

DESIGNERS = (BuiltinRole.CREATOR, BuiltinRole.PUBLISHER)
PUBLISHERS = (BuiltinRole.PUBLISHER,)
DEPLOYERS = (BuiltinRole.PUBLISHER, BuiltinRole.DEVOPS)
READERS = (
    BuiltinRole.CREATOR,
    BuiltinRole.PUBLISHER,
    BuiltinRole.DEVOPS,
    BuiltinRole.INTEGRATION_DEV,
    BuiltinRole.ANALYTICS,
)
"""Who may look around in the publisher."""


def etag(api: Api) -> str:
    """The version of `api` that a caller has seen, as an HTTP entity tag."""
    return '"' + hashlib.md5(f"{api.pk}{api.updated.isoformat()}".encode(), usedforsecurity=False).hexdigest() + '"'


def locked_organisation(by: User) -> Organisation:
    """The organisation of `by`, locked: creations in it happen one after another. Taken before any API's lock."""
    take_turn()
    return Organisation.objects.select_for_update().get(pk=by.organisation_id)


def open_to(by: User, api: Api) -> bool:
    """Whether the API's access control lets `by` see it in the publisher: its provider, administrators, and its roles."""
    return not api.access_roles or api.provider_id == by.pk or by.has_role(*api.access_roles)


def locked(by: User, api: Api, *roles: str, expected: str = "") -> Api:
    """A fresh row of `api`, locked until the transaction ends, that `by` may change with one of `roles`.

    Raises NotFound for another organisation's API and one that is kept from `by`, Forbidden without the role, and
    PreconditionFailed when `expected` (an entity tag, or `*`) is not what it is now.
    """
    require_same_organisation(by, api.organisation)
    require(by, *roles)
    take_turn()
    fresh = (
        Api.objects.select_for_update(of=("self",)).select_related("organisation", "provider").filter(pk=api.pk).first()
    )
    if fresh is None or not open_to(by, fresh):
        raise NotFound(f"There is no API {api} any more.")
    if expected and expected != "*" and etag(fresh) not in [tag.strip() for tag in expected.split(",")]:
        raise PreconditionFailed("Somebody changed the API since you read it. Read it again and repeat your change.")
    return fresh
