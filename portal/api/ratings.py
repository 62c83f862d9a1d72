"""REST: how many stars people give an API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import NotFound
from portal import queries, stars
from portal.actions import ratings
from portal.api import scopes
from portal.api.base import OpenView, page, payload, tagged, tenant, unchanged
from portal.api.scopes import ScopedView
from portal.models import Rating
from publisher.models import Api


class Ratings(OpenView):
    """GET /apis/{apiId}/ratings."""

    def get(self, request: Request, api_id: UUID) -> Response:
        """All ratings with their mean, and the caller's own stars (0 without)."""
        api = queries.api(request.user, tenant(request), api_id)
        own = stars.given_by(request.user, api)
        answer = page(request, stars.of(api), _shown, f"/apis/{api_id}/ratings")
        mean = stars.text(stars.average(api))
        return Response({"avgRating": mean, "userRating": own.stars if own else 0, **answer.data})


class OwnRating(ScopedView):
    """GET, PUT and DELETE /apis/{apiId}/user-rating."""

    scopes = scopes.SUBSCRIBER

    def get(self, request: Request, api_id: UUID) -> Response:
        """What the caller gave; 404 when nothing."""
        own = stars.given_by(request.user, _api(request, api_id))
        if own is None:
            raise NotFound("You have not rated this API.")
        return tagged(request, _shown(own))

    def put(self, request: Request, api_id: UUID) -> Response:
        """Give stars, or others than before."""
        given = payload(request).get("rating")
        return tagged(request, _shown(ratings.rate(by=request.user, api=_api(request, api_id), stars=given)))

    def delete(self, request: Request, api_id: UUID) -> Response:
        """Take them back; a second time changes nothing."""
        api = _api(request, api_id)
        own = stars.given_by(request.user, api)
        if own is not None:
            unchanged(request, _shown(own))
        ratings.take_back(by=request.user, api=api)
        return Response(status=200)


def _api(request: Request, api_id: UUID) -> Api:
    return queries.api(request.user, tenant(request), api_id)


def _shown(row: Rating) -> dict[str, Any]:
    return {
        "ratingId": str(row.pk),
        "apiId": str(row.api_id),
        "ratedBy": row.user.get_username()[:50],
        "rating": row.stars,
    }
