"""What portal and publisher show of the hub."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Count, QuerySet

from apim.websub.models import Delivery, Subscription


def of_applications(applications: Collection[str], api: str = "") -> QuerySet[Subscription]:
    """The callbacks of these applications (uuid texts), newest first; of one API when it is given."""
    found = Subscription.objects.filter(application__in=applications)
    return found.filter(api=api) if api else found


def of_api(api: str) -> QuerySet[Subscription]:
    """All callbacks that listen to an API."""
    return Subscription.objects.filter(api=api)


def outcomes(api: str) -> dict[str, int]:
    """How many deliveries of an API's events stand where."""
    rows = Delivery.objects.filter(event__api=api).values_list("outcome").annotate(count=Count("pk")).order_by()
    return dict(rows)
