"""Pages of archives: upload one and see what it would change, confirm that, and export an API."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apim.accounts.permissions import require
from apim.errors import ApimError
from publisher.actions.access import DESIGNERS
from publisher.api.archives import zipped
from publisher.archive import design, either, held
from publisher.archive.exporting import export_api
from publisher.forms.archives import NOW, Choices, Confirmed, Export, Upload
from publisher.views.base import api_page, read_api, rights, sent


@login_required
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Choose an archive; then what it would change, without changing anything."""
    require(request.user, *DESIGNERS)
    form = Upload(*sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            content = form.content()
            found = either.take(by=request.user, content=content, options=form.options(dry_run=True))
        except ApimError as error:
            return _upload_page(request, form, error)
        return _preview(request, form, held.keep(request.user, content), found)
    return _upload_page(request, form, None, 400 if form.errors else 200)


@login_required
@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """Take in the archive that was looked at, with the choices made then."""
    require(request.user, *DESIGNERS)
    form = Confirmed(request.POST)
    if not form.is_valid():
        return redirect("publisher:archive_import")
    try:
        content = held.kept(request.user, form.cleaned_data["ticket"])
        kind, outcome, _ = either.take(by=request.user, content=content, options=form.options(dry_run=False))
    except ApimError as error:
        return _upload_page(request, Upload(), error)
    held.forget(request.user)
    if outcome is None:
        messages.success(request, f"The {kind} is imported.")
        return redirect("publisher:policy_list")
    messages.success(request, f"{outcome.api} is {_became(outcome)}.")
    for text in outcome.warnings:
        messages.warning(request, text)
    return redirect("publisher:api", outcome.api.pk)


@login_required
@require_http_methods(["GET", "POST"])
def export(request: HttpRequest, api_id: uuid.UUID) -> HttpResponse:
    """The archive of an API, once it is said of what."""
    api = read_api(request, api_id)
    form = Export(api, request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        revision = design.chosen(api, "" if data["revision"] == NOW else data["revision"])
        name, content = export_api(
            by=request.user, api=api, revision=revision, form=data["format"], keep_state=data["keep_state"]
        )
        return zipped(name, content)
    return api_page(request, "archive_export", api, {"form": form}, 400 if form.errors else 200)


def _upload_page(request: HttpRequest, form: Upload, error: ApimError | None, status: int = 400) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "error": error, **rights(request.user)}
    return render(request, "publisher/archive_import.html", context, status=status)


def _preview(request: HttpRequest, form: Choices, ticket: str, found: tuple[str, Any, Any]) -> HttpResponse:
    kind, outcome, changes = found
    confirmed = Confirmed(initial={**form.cleaned_data, "ticket": ticket})
    for field in confirmed.fields.values():
        field.widget = field.hidden_widget()
    context = {"kind": kind, "outcome": outcome, "changes": changes, "form": confirmed, **rights(request.user)}
    return render(request, "publisher/archive_preview.html", context)


def _became(outcome: Any) -> str:
    return "imported" if outcome.created else "changed" if outcome.changes else "as it was: nothing changed"
