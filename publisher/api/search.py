"""GET /search: APIs, API products and documents in one list."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from publisher.api import dto
from publisher.api.base import DEFAULT_LIMIT, MOST, Resource
from publisher.models import Api, Document
from publisher.products import PRODUCT
from publisher.search import Hit, hits


class Search(Resource):
    """What matches `query`; `publisher.search` says what may be asked."""

    scopes = {
        "GET": ("apim:api_view", "apim:api_manage", "apim:api_import_export", "apim:api_product_import_export"),
    }

    def get(self, request: Request) -> Response:
        """One page of it."""
        limit, offset = self.number("limit", DEFAULT_LIMIT, 1, MOST), self.number("offset", 0, 0, 10**9)
        found, total = hits(request.user, self.word("query"), limit, offset)
        return self.cut([_shown(hit) for hit in found], total)


def _shown(hit: Hit) -> dict[str, Any]:
    return _api(hit.api) if hit.document is None else _document(hit.document, hit.api)


def _api(api: Api) -> dict[str, Any]:
    kind = {"type": "APIProduct" if api.kind == PRODUCT else "API", "transportType": api.kind, "status": api.state}
    collection = "api-products" if api.kind == PRODUCT else "apis"
    picture = f"/{collection}/{api.pk}/thumbnail" if api.thumbnail_type else ""
    return {**dto.summary(api), **kind, "thumbnailUri": picture}


def _document(document: Document, api: Api) -> dict[str, Any]:
    return {
        "id": str(document.pk),
        "name": document.name,
        "type": "DOC",
        "transportType": api.kind,
        "docType": document.kind,
        "summary": document.summary,
        "sourceType": document.source,
        "sourceUrl": document.url,
        "otherTypeName": document.other_kind,
        "visibility": document.visibility,
        "apiName": api.name,
        "apiVersion": api.version,
        "apiProvider": api.provider.get_username(),
        "apiUUID": str(api.pk),
        "associatedType": "APIProduct" if api.kind == PRODUCT else "API",
    }
