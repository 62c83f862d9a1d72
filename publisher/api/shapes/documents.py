"""A document in the contract ↔ keywords of the actions."""

from __future__ import annotations

from typing import Any

from publisher.api.dto import millis
from publisher.models import Document

FIELDS = {
    "name": "name",
    "type": "kind",
    "otherTypeName": "other_kind",
    "summary": "summary",
    "sourceType": "source",
    "sourceUrl": "url",
    "visibility": "visibility",
}
"""Contract → action."""
REQUIRED = ("name", "type", "sourceType", "visibility")


def shown(document: Document) -> dict[str, Any]:
    """The contract's Document, without its content. A summary is there or has at least a character."""
    body = {theirs: getattr(document, ours) for theirs, ours in FIELDS.items()}
    if not document.summary:
        del body["summary"]
    return body | {
        "documentId": str(document.pk),
        "fileName": document.file_name,
        "createdTime": millis(document.created),
        "createdBy": document.created_by,
        "lastUpdatedTime": millis(document.updated),
        "lastUpdatedBy": document.updated_by,
    }


def given(body: dict[str, Any], *, new: bool = False) -> dict[str, Any]:
    """Keywords for `create_document` (`new`: required fields are there, if only as None) or `update_document`."""
    found = {ours: body[theirs] for theirs, ours in FIELDS.items() if body.get(theirs) is not None}
    required = {FIELDS[theirs]: None for theirs in REQUIRED}
    return required | found if new else found
