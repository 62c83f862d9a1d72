"""Writes on ratings: a person gives an API stars, other stars, or takes them back."""

from __future__ import annotations

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.accounts.permissions import require
from apim.errors import FieldError, Invalid
from portal import queries
from portal.models import Rating
from portal.permissions import DEVELOPER
from publisher.models import Api

LEAST, MOST = 1, 5


@transaction.atomic
def rate(*, by: User, api: Api, stars: int) -> Rating:
    """Give `api` one to five stars; a person has one rating of an API. Raises Invalid, NotFound for an API `by` cannot see."""
    require(by, DEVELOPER)
    api = queries.api(by, api.organisation, api.pk)
    if isinstance(stars, bool) or not isinstance(stars, int) or not LEAST <= stars <= MOST:
        wrong = FieldError("rating", f"{str(stars)[:40]!r} is not a whole number from {LEAST} to {MOST}")
        raise Invalid("The rating is not valid.", [wrong])
    row, _ = Rating.objects.update_or_create(api=api, user=by, defaults={"stars": stars})
    audit.record(by, "api.rate", api, after={"stars": stars})
    return row


@transaction.atomic
def take_back(*, by: User, api: Api) -> None:
    """Forget the rating of `by`; nothing happens when there is none. Raises NotFound for an API `by` cannot see."""
    require(by, DEVELOPER)
    api = queries.api(by, api.organisation, api.pk)
    gone, _ = Rating.objects.filter(api=api, user=by).delete()
    if gone:
        audit.record(by, "api.unrate", api)
