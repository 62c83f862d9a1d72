"""Write documents of APIs and products: first what they are, then their content."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import Conflict, FieldError, Invalid, NotFound, PreconditionFailed
from publisher import safe_content
from publisher.actions.access import DESIGNERS, locked
from publisher.checks import documents as checks
from publisher.models import Api, Document, DocumentFile, DocumentSource

WRITTEN = (DocumentSource.INLINE, DocumentSource.MARKDOWN)
"""Sources whose content is text in the row."""


def document_etag(document: Document) -> str:
    """The version of `document` that a caller has seen, as an HTTP entity tag."""
    seen = f"{document.pk}{document.updated.isoformat()}"
    return f'"{hashlib.md5(seen.encode(), usedforsecurity=False).hexdigest()}"'


@transaction.atomic
def create_document(*, by: User, api: Api, **fields: Any) -> Document:
    """A new, empty document of `api`; `fields` are those of `checks.documents.FIELDS`.

    Raises Invalid naming every wrong field, Conflict when the API has one of that name.
    """
    api = locked(by, api, *DESIGNERS)
    clean = checks.fields({"name": None, **fields})
    if api.documents.count() >= checks.MOST_DOCUMENTS:
        raise Invalid(f"{api} has {checks.MOST_DOCUMENTS} documents, which is the most.", [FieldError("name", "Full.")])
    _refuse_taken(api, clean["name"])
    user = by.get_username()
    document = Document.objects.create(api=api, created_by=user, updated_by=user, **clean)
    audit.record(by, "document.create", document, after=for_audit(document), organisation=api.organisation)
    return document


@transaction.atomic
def update_document(*, by: User, document: Document, expected: str = "", **changes: Any) -> Document:
    """Change what `document` is. Another source drops the content of the one before.

    Raises Invalid naming every wrong field, Conflict for a name in use, PreconditionFailed when somebody was faster.
    """
    document = _locked(by, document, expected)
    clean = checks.fields(changes, document)
    if clean.get("name", document.name) != document.name:
        _refuse_taken(document.api, clean["name"], document)
    before = for_audit(document)
    source = clean.get("source", document.source)
    if source not in WRITTEN:
        document.text = ""
    if source != DocumentSource.FILE:
        _drop_file(document)
    if source != DocumentSource.URL:
        clean["url"] = ""
    return _saved(by, document, before, clean)


@transaction.atomic
def write_document(*, by: User, document: Document, text: Any, expected: str = "") -> Document:
    """Give a document of source INLINE or MARKDOWN its text. Raises Invalid for other sources and too long texts."""
    document = _locked(by, document, expected)
    if document.source not in WRITTEN:
        raise _wrong_source(document, "inlineContent")
    before = for_audit(document)
    return _saved(by, document, before, {"text": checks.written(text)})


@transaction.atomic
def upload_document(*, by: User, document: Document, name: str, content: bytes, expected: str = "") -> Document:
    """Give a document of source FILE its file. Its name decides how it is served. Raises Invalid as `write_document` does."""
    document = _locked(by, document, expected)
    if document.source != DocumentSource.FILE:
        raise _wrong_source(document, "file")
    before, name = for_audit(document), checks.file_name(name)
    DocumentFile.objects.update_or_create(document=document, defaults={"content": checks.content(content)})
    return _saved(by, document, before, {"file_name": name, "media_type": safe_content.media_type(name)})


@transaction.atomic
def delete_document(*, by: User, document: Document, expected: str = "") -> None:
    """Delete `document` with its content."""
    document = _locked(by, document, expected)
    audit.record(by, "document.delete", document, before=for_audit(document), organisation=document.api.organisation)
    document.delete()


def copy_documents(source: Api, target: Api) -> None:
    """Give `target`, which has none, the documents of `source`. For actions that have checked who may."""
    for row in source.documents.select_related("file"):
        held = getattr(row, "file", None)
        names = (*checks.FIELDS, "text", "file_name", "media_type", "created_by", "updated_by")
        made = Document.objects.create(api=target, **{name: getattr(row, name) for name in names})
        if held is not None:
            DocumentFile.objects.create(document=made, content=held.content)


def for_audit(document: Document) -> dict[str, Any]:
    """`document` for the audit trail: its text as a fingerprint."""
    digest = hashlib.sha256(document.text.encode()).hexdigest() if document.text else ""
    shown = {name: getattr(document, name) for name in (*checks.FIELDS, "file_name")}
    return shown | {"api": str(document.api), "text": f"sha256:{digest}" if digest else ""}


def _locked(by: User, document: Document, expected: str) -> Document:
    api = locked(by, document.api, *DESIGNERS)
    fresh = Document.objects.select_for_update().filter(pk=document.pk, api=api).first()
    if fresh is None:
        raise NotFound(f"There is no document {document} any more.")
    if expected and expected != "*" and document_etag(fresh) not in [tag.strip() for tag in expected.split(",")]:
        raise PreconditionFailed("Somebody changed the document since you read it. Read it again.")
    fresh.api = api
    return fresh


def _saved(by: User, document: Document, before: dict[str, Any], values: dict[str, Any]) -> Document:
    for name, value in (values | {"updated_by": by.get_username()}).items():
        setattr(document, name, value)
    document.save()
    after = for_audit(document)
    audit.record(by, "document.update", document, before=before, after=after, organisation=document.api.organisation)
    return document


def _drop_file(document: Document) -> None:
    DocumentFile.objects.filter(document=document).delete()
    document.file_name = document.media_type = ""


def _refuse_taken(api: Api, name: str, but: Document | None = None) -> None:
    found = api.documents.filter(name=name)
    if (found.exclude(pk=but.pk) if but else found).exists():
        raise Conflict(f"{api} has a document {name!r} already.", [FieldError("name", "Choose another name.")])


def _wrong_source(document: Document, field: str) -> Invalid:
    message = f"The source of {document.name!r} is {document.source}, which takes no {field}."
    return Invalid(message, [FieldError(field, message)])
