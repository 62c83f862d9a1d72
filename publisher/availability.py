"""Which organisations' applications may subscribe to an API (reference A18): its own, all, or some besides its own."""

from __future__ import annotations

from apim.accounts.models import Organisation
from publisher.models import Api, Availability


def takes(api: Api, organisation: Organisation) -> bool:
    """Whether applications of `organisation` may subscribe to `api`."""
    if organisation.pk == api.organisation_id or api.subscription_availability == Availability.ALL_TENANTS:
        return True
    named = api.subscription_availability == Availability.SPECIFIC_TENANTS
    return named and organisation.domain in api.subscription_tenants


def crosses(api: Api) -> bool:
    """Whether gateways let applications of other organisations call it, given a subscription."""
    return str(api.subscription_availability) != Availability.CURRENT_TENANT
