"""REST: what people read about an API – its documents and its picture."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.http import http_date
from rest_framework.request import Request
from rest_framework.response import Response

from apim.errors import NotFound
from portal import queries
from portal.api.base import OpenView, has, page, tagged, tenant
from publisher import documents, safe_content
from publisher.actions.documents import document_etag
from publisher.api.soap import Whatever
from publisher.models import Document, Thumbnail


class Documents(OpenView):
    """GET /apis/{apiId}/documents."""

    def get(self, request: Request, api_id: UUID) -> Response:
        """Those this caller may read."""
        api = queries.api(request.user, tenant(request), api_id)
        found = documents.visible_documents(request.user, api)
        return tagged(request, page(request, found, shown, f"/apis/{api_id}/documents").data)


class OneDocument(OpenView):
    """GET /apis/{apiId}/documents/{documentId}."""

    def get(self, request: Request, api_id: UUID, document_id: UUID) -> Response:
        """What the document is."""
        return tagged(request, shown(_document(request, api_id, document_id)))


class Content(OpenView):
    """GET /apis/{apiId}/documents/{documentId}/content."""

    content_negotiation_class = Whatever

    def get(self, request: Request, api_id: UUID, document_id: UUID) -> HttpResponse:
        """The text, the file, or 303 to the address; Markdown comes as it was written."""
        document = _document(request, api_id, document_id)
        tag = document_etag(document)
        if has(request, tag):
            return HttpResponse(status=304, headers={"ETag": tag})
        answer = documents.content(document)
        answer["ETag"], answer["Last-Modified"] = tag, http_date(document.updated.timestamp())
        return answer


class Picture(OpenView):
    """GET /apis/{apiId}/thumbnail."""

    content_negotiation_class = Whatever

    def get(self, request: Request, api_id: UUID) -> HttpResponse:
        """The image. 404 when the API has none."""
        api = queries.api(request.user, tenant(request), api_id)
        held = Thumbnail.objects.filter(api=api).first()
        if held is None:
            raise NotFound(f"{api} has no picture.")
        tag = f'"{held.digest}"'
        if has(request, tag):
            return HttpResponse(status=304, headers={"ETag": tag})
        answer = safe_content.passive(bytes(held.content), held.media_type)
        answer["ETag"] = tag
        return answer


def _document(request: Request, api_id: UUID, document_id: UUID) -> Document:
    api = queries.api(request.user, tenant(request), api_id)
    return documents.one(documents.visible_documents(request.user, api), document_id)


def shown(row: Document) -> dict[str, Any]:
    """The contract's Document."""
    return {
        "documentId": str(row.pk),
        "name": row.name,
        "type": row.kind,
        "summary": row.summary,
        "sourceType": row.source,
        "sourceUrl": row.url,
        "otherTypeName": row.other_kind,
    }
