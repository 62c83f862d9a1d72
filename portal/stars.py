"""Reads of ratings: the average of many APIs in one query, the ratings of one."""

from __future__ import annotations

from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Avg, Model, OuterRef, QuerySet, Subquery

from apim.accounts.models import User
from portal.models import Rating
from publisher.models import Api

Row = TypeVar("Row", bound=Model)


def with_average(rows: QuerySet[Row], api: str = "pk") -> QuerySet[Row]:
    """Adds `average`, the mean stars of the API that each row names in `api`; None without ratings."""
    mean = Rating.objects.order_by().filter(api=OuterRef(api)).values("api").annotate(mean=Avg("stars"))
    return rows.annotate(average=Subquery(mean.values("mean")))


def average(api: Api) -> float | None:
    """The mean stars of one API."""
    found: float | None = Rating.objects.filter(api=api).aggregate(mean=Avg("stars"))["mean"]
    return found


def of(api: Api) -> QuerySet[Rating]:
    """The ratings of one API, the newest first."""
    return Rating.objects.filter(api=api).select_related("user")


def given_by(user: User | AnonymousUser, api: Api) -> Rating | None:
    """What this person gave."""
    return of(api).filter(user=user).first() if user.is_authenticated else None


def text(mean: float | None) -> str:
    """The average as the contract writes it."""
    return f"{mean or 0:.1f}"
