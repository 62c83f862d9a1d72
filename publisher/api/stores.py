"""/external-stores, /apis/{apiId}/external-stores and /apis/{apiId}/publish-to-external-stores."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from publisher import queries
from publisher.actions.stores import publish_to_stores
from publisher.api import dto
from publisher.api.base import Resource, tagged
from publisher.models import ExternalStore, StorePublication


class ExternalStores(Resource):
    """GET /external-stores."""

    def get(self, request: Request) -> Response:
        """The organisation's external stores."""
        queries.apis(request.user)
        rows = ExternalStore.objects.filter(organisation=request.user.organisation_id)
        found = [
            {"id": row.name, "displayName": row.display_name, "type": "wso2", "endpoint": row.endpoint} for row in rows
        ]
        return tagged(request, {"count": len(found), "list": found})


class Publications(Resource):
    """GET /apis/{apiId}/external-stores."""

    def get(self, request: Request, api_id: str) -> Response:
        """Where the API is shown."""
        return tagged(request, _shown(list(self.api(api_id).publications.select_related("store"))))


class PublishToStores(Resource):
    """POST /apis/{apiId}/publish-to-external-stores."""

    def post(self, request: Request, api_id: str) -> Response:
        """Show the API in exactly the stores `externalStoreIds` (by comma)."""
        api = self.api(api_id)
        names = [part.strip() for part in self.word("externalStoreIds").split(",") if part.strip()]
        rows = publish_to_stores(by=request.user, api=api, names=names, properties=dto.full(api))
        return tagged(request, _shown(rows))


def _shown(rows: list[StorePublication]) -> dict[str, Any]:
    found = [{"id": row.store.name, "lastUpdatedTime": row.updated.isoformat()} for row in rows]
    return {"count": len(found), "list": found}
