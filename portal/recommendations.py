"""Which further APIs a developer may like: those that the users of the same APIs use too."""

from __future__ import annotations

from django.db.models import Count

from apim.accounts.models import User
from portal import catalogue, queries
from portal.models import Subscription
from portal.stars import with_average
from publisher.models import Api

MOST, NEIGHBOURS = 5, 200
"""APIs recommended; applications looked at."""


def recommended(user: User) -> list[Api]:
    """At most MOST visible APIs, those that most neighbours use first; none before the first subscription.

    A neighbour is another application of the organisation that is subscribed to an API of this person's.
    """
    own = set(queries.subscriptions(user).values_list("api_id", flat=True)[:NEIGHBOURS])
    used = Subscription.objects.filter(organisation=user.organisation_id).order_by()
    near = used.filter(api__in=own).exclude(application__in=queries.applications(user))
    neighbours = list(near.values_list("application_id", flat=True).distinct()[:NEIGHBOURS])
    others = used.filter(application__in=neighbours).exclude(api__in=own).values("api").annotate(n=Count("pk"))
    ranks = dict(others.order_by("-n", "api").values_list("api", "n")[:MOST])
    rows = with_average(catalogue.visible(user, user.organisation).filter(pk__in=ranks))
    return sorted(rows, key=lambda api: (-ranks[api.pk], api.name))
