"""Test keys: they open one API at the gateways for a few minutes, without subscription and before it is published."""

from __future__ import annotations

from apim.accounts import audit
from apim.accounts.models import User
from apim.accounts.permissions import require, require_same_organisation
from apim.errors import Conflict
from apim.keymanager import issue
from publisher.actions.access import DESIGNERS
from publisher.models import Api

LIFETIME = 900
"""Seconds for which a test key is valid."""


def generate_test_key(*, by: User, api: Api, key_type: str = "PRODUCTION") -> str:
    """A key for the header `Internal-Key`. Raises NotFound, Forbidden, Conflict when the API runs at no gateway."""
    require_same_organisation(by, api.organisation)
    require(by, *DESIGNERS)
    if not api.deployments.exists():
        raise Conflict(f"{api} is not deployed: there is no gateway where a test key could be used.")
    audit.record(by, "api.test_key", api, after={"key_type": key_type, "seconds": LIFETIME})
    return issue.test_key(
        api=str(api.pk),
        user=by.get_username(),
        organisation=api.organisation.domain,
        lifetime=LIFETIME,
        key_type=key_type,
    )
