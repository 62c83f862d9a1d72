"""Hands an API over to another person of the organisation."""

from __future__ import annotations

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import BuiltinRole, User
from apim.accounts.names import full_name
from apim.errors import FieldError, Invalid
from publisher import records
from publisher.actions.access import DESIGNERS, locked
from publisher.models import Api


@transaction.atomic
def change_provider(*, by: User, api: Api, provider: str) -> Api:
    """Let the user named `provider` be the API's provider; gateways are told at once.

    Raises Forbidden unless `by` administers the organisation, Invalid for somebody who could not have made the API.
    """
    api = locked(by, api, BuiltinRole.ADMIN)
    before, api.provider = api.provider, _person(api, provider)
    if api.provider_id == before.pk:
        return api
    api.save(update_fields=["provider", "updated"])
    for deployment in api.deployments.select_related("api__organisation", "api__provider", "revision", "environment"):
        records.announce(deployment)
    after = {"provider": api.provider.get_username()}
    audit.record(by, "api.change_provider", api, before={"provider": before.get_username()}, after=after)
    return api


def _person(api: Api, name: str) -> User:
    people = User.objects.filter(organisation=api.organisation, is_active=True)
    found = people.filter(username__in=[name, full_name(name, api.organisation)]).first()
    if found is None:
        raise Invalid(f"There is no user {name[:100]!r}.", [FieldError("provider", "is no active user here")])
    if not found.has_role(*DESIGNERS):
        needed = ", ".join(map(str, DESIGNERS))
        raise Invalid(f"{found} has no role that makes APIs.", [FieldError("provider", f"has none of {needed}")])
    return found
