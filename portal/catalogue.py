"""Reads of the API catalogue with a constant number of queries, however many APIs there are."""

from __future__ import annotations

from collections import Counter

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Q, QuerySet

from apim.accounts.models import Organisation, User
from portal import queries
from portal.stars import with_average
from publisher.models import Api, ApiCategory

HEAVY = ("definition", "endpoints", "cors")
"""Columns that no list shows; a definition can be megabytes."""


def visible(user: User | AnonymousUser, organisation: Organisation) -> QuerySet[Api]:
    """The APIs that the portal of `organisation` lists for `user`; to people of another one, those they may subscribe to."""
    rows = (
        queries.taking(queries.visible(user, organisation), user, organisation)
        .defer(*HEAVY)
        .order_by("name", "version", "pk")
    )
    return with_average(rows.prefetch_related("plans"))


def tag_counts(apis: QuerySet[Api]) -> list[tuple[str, int]]:
    """Each tag with the number of `apis` that carry it, the most used first. One query."""
    rows = apis.order_by().prefetch_related(None).select_related(None).values_list("tags", flat=True)
    counted = Counter(tag for tags in rows for tag in tags if isinstance(tag, str))
    return sorted(counted.items(), key=lambda row: (-row[1], row[0].lower()))


def categories(organisation: Organisation, apis: QuerySet[Api]) -> list[tuple[str, int]]:
    """The categories of `organisation` that some of `apis` are in, each with their number. One query."""
    inside = Count("apis", filter=Q(apis__in=apis.order_by().prefetch_related(None).values("pk")))
    rows = ApiCategory.objects.filter(organisation=organisation).annotate(number=inside).filter(number__gt=0)
    return list(rows.order_by("name").values_list("name", "number"))


def versions(user: User | AnonymousUser, api: Api) -> QuerySet[Api]:
    """The visible versions of the same API, this one included."""
    return visible(user, api.organisation).filter(name__iexact=api.name)
