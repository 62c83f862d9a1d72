"""Reads of documents: the publisher's, and what the portal may show to whom."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpResponse

from apim.accounts.models import User
from apim.errors import NotFound
from publisher import safe_content
from publisher.models import Api, Document, DocumentFile, DocumentSource, DocumentVisibility


def documents(api: Api) -> QuerySet[Document]:
    """Every document of `api`, for people of the publisher; without texts, which are long."""
    return api.documents.defer("text")


def visible_documents(user: User | AnonymousUser, api: Api) -> QuerySet[Document]:
    """What the portal shows `user`, who may see `api`: PRIVATE ones to members of its organisation, OWNER_ONLY ones to nobody."""
    member = user.is_authenticated and user.organisation_id == api.organisation_id
    shown = [DocumentVisibility.API_LEVEL, *([DocumentVisibility.PRIVATE] if member else [])]
    return documents(api).filter(visibility__in=shown)


def one(found: QuerySet[Document], identifier: uuid.UUID | str) -> Document:
    """The document of that id among `found`. Raises NotFound."""
    try:
        row = found.select_related("api__organisation").filter(pk=uuid.UUID(str(identifier))).first()
    except ValueError:
        row = None
    if row is None:
        raise NotFound(f"There is no document {str(identifier)[:80]}.")
    return row


def content(document: Document) -> HttpResponse:
    """The content as an answer: a redirection to its address, the text as plain text, or the file to save.

    Raises NotFound when nothing was uploaded yet.
    """
    if document.source == DocumentSource.URL:
        return HttpResponse(status=303, headers={"Location": document.url})
    if document.source != DocumentSource.FILE:
        return safe_content.passive(document.text.encode(), "text/plain; charset=utf-8")
    held = DocumentFile.objects.filter(document=document).first()
    if held is None:
        raise NotFound(f"Nothing was uploaded for the document {document.name!r} yet.")
    return safe_content.download(bytes(held.content), document.file_name, document.media_type)
