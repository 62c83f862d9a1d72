"""Pages of an API's documents."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from publisher import documents as reads
from publisher.actions import documents as actions
from publisher.checks.documents import MOST_BYTES
from publisher.forms.social import DocumentForm
from publisher.models import Document, DocumentSource
from publisher.views.base import api_page, attempt, back, read_api, sent, try_save

WRITTEN = (DocumentSource.INLINE, DocumentSource.MARKDOWN)


@login_required
@require_http_methods(["GET", "POST"])
def documents(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """The API's documents, and a form for another one."""
    api = read_api(request, api_id)
    form = DocumentForm(None, sent(request)[0])
    if request.method == "POST":
        made = try_save(request, form, lambda: actions.create_document(by=request.user, api=api, **form.cleaned_data))
        if made:
            messages.success(request, f"{made.name} is there. Give it its content.")
            return redirect("publisher:document", api.pk, made.pk)
    rows = reads.documents(api)
    return api_page(request, "documents", api, {"form": form, "rows": rows}, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def document(request: HttpRequest, api_id: uuid.UUID, document_id: uuid.UUID) -> HttpResponse:
    """One document: what it is, and its content."""
    api = read_api(request, api_id)
    row = reads.one(api.documents.all(), document_id)
    form = DocumentForm(row, sent(request)[0])
    if request.method == "POST":
        seen = request.POST.get("expected", "")[:80]
        changes = {"by": request.user, "document": row, "expected": seen}
        if try_save(request, form, lambda: actions.update_document(**changes, **form.cleaned_data)):
            messages.success(request, "Saved.")
            return redirect("publisher:document", api.pk, row.pk)
    context = {
        "form": form,
        "document": row,
        "document_etag": actions.document_etag(row),
        "written": row.source in WRITTEN,
        "most": MOST_BYTES // 1024 // 1024,
    }
    return api_page(request, "document", api, context, status=400 if form.errors else 200)


@login_required
@require_POST
def write(request: HttpRequest, api_id: uuid.UUID, document_id: uuid.UUID) -> HttpResponse:
    """The content: text, or a file."""
    row = reads.one(read_api(request, api_id).documents.all(), document_id)
    attempt(request, lambda: _write(request, row), "The content is saved.")
    return redirect("publisher:document", api_id, row.pk)


@login_required
@require_safe
def content(request: HttpRequest, api_id: uuid.UUID, document_id: uuid.UUID) -> HttpResponse:
    """The content alone, as callers of the REST API get it."""
    return reads.content(reads.one(read_api(request, api_id).documents.all(), document_id))


@login_required
@require_POST
def delete(request: HttpRequest, api_id: uuid.UUID, document_id: uuid.UUID) -> HttpResponse:
    """Delete a document."""
    api = read_api(request, api_id)
    row = reads.one(api.documents.all(), document_id)
    attempt(request, lambda: actions.delete_document(by=request.user, document=row), f"{row.name} is deleted.")
    return back("documents", api)


def _write(request: HttpRequest, row: Document) -> Document:
    shared = {"by": request.user, "document": row, "expected": request.POST.get("expected", "")[:80]}
    upload = request.FILES.get("file")
    if upload is None:
        return actions.write_document(text=request.POST.get("text", "").replace("\r\n", "\n"), **shared)
    return actions.upload_document(name=upload.name or "", content=upload.read(MOST_BYTES + 1), **shared)
