"""Pages: what people read about an API – its documents, and its picture."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apim.errors import NotFound
from apim.ui import markdown
from portal import queries
from portal.views.base import organisation
from publisher import documents, safe_content
from publisher.models import Api, Document, DocumentSource, Thumbnail

WRITTEN = (DocumentSource.INLINE, DocumentSource.MARKDOWN)
DAY = 86400


@require_safe
def listed(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """All documents this person may read; the first one that was written here is open."""
    api = queries.api(request.user, organisation(request), api_id)
    found = list(documents.visible_documents(request.user, api))
    first = next((one for one in found if one.source in WRITTEN), None)
    return _page(
        request, api, found, documents.one(documents.visible_documents(request.user, api), first.pk) if first else None
    )


@require_safe
def one(request: HttpRequest, api_id: UUID, document_id: UUID) -> HttpResponse:
    """One document among the others."""
    api = queries.api(request.user, organisation(request), api_id)
    found = documents.visible_documents(request.user, api)
    return _page(request, api, list(found), documents.one(found, document_id))


@require_safe
def file(request: HttpRequest, api_id: UUID, document_id: UUID) -> HttpResponse:
    """The document's file, to save."""
    api = queries.api(request.user, organisation(request), api_id)
    document = documents.one(documents.visible_documents(request.user, api), document_id)
    if document.source != DocumentSource.FILE:
        raise NotFound(f"The document {document.name!r} is no file.")
    return documents.content(document)


@require_safe
def picture(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """The picture of an API."""
    api = queries.api(request.user, organisation(request), api_id)
    held = Thumbnail.objects.filter(api=api).first()
    if held is None:
        raise NotFound(f"{api} has no picture.")
    answer = safe_content.passive(bytes(held.content), held.media_type)
    answer["Cache-Control"] = f"private, max-age={DAY}"
    return answer


def _page(request: HttpRequest, api: Api, found: list[Document], now: Document | None) -> HttpResponse:
    context = {"api": api, "documents": found, "document": now, "html": ""}
    if now is not None and now.source == DocumentSource.MARKDOWN:
        context["html"] = markdown.render(now.text)
    return render(request, "portal/documents.html", context)
