"""Pages: an application as an archive, and one from an archive once it was seen what that changes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apim.errors import ApimError
from portal import queries
from portal.archive.exporting import export_application
from portal.archive.importing import Options, Outcome, import_application
from portal.views.base import developers_only
from publisher.api.archives import zipped
from publisher.archive import held
from publisher.archive.tree import MOST_PACKED, unpack


class Choices(forms.Form):
    """How an application is taken in."""

    update = forms.BooleanField(
        required=False, label="Change it when it is there already", help_text="Else one of that name is a conflict."
    )
    skip_subscriptions = forms.BooleanField(required=False, label="Without its subscriptions")
    skip_keys = forms.BooleanField(required=False, label="Without its keys")
    ignore_tier = forms.BooleanField(
        required=False,
        label="Take another plan where its own is not offered",
        help_text="Else it is not subscribed there.",
    )

    def options(self, *, dry_run: bool) -> Options:
        """The same for the import."""
        return Options(**{name: self.cleaned_data[name] for name in Choices.base_fields}, dry_run=dry_run)


class Upload(Choices):
    """The archive with it."""

    file = forms.FileField(
        label="Archive",
        help_text="A .zip of an application, as exported here or by the command-line tool.",
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
    )
    field_order = ("file",)


class Confirmed(Choices):
    """The same choices with the ticket of the upload that was looked at."""

    ticket = forms.CharField(max_length=60)


class Export(forms.Form):
    """What of an application is exported."""

    format = forms.ChoiceField(label="Files as", choices=(("YAML", "YAML"), ("JSON", "JSON")))
    keys = forms.BooleanField(
        required=False,
        label="With its keys",
        help_text="Their secrets work again on this platform only; elsewhere new keys are made.",
    )


@require_http_methods(["GET", "POST"])
@developers_only
def upload(request: HttpRequest) -> HttpResponse:
    """Choose an archive; then what it would change, without changing anything."""
    form = Upload(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        content = form.cleaned_data["file"].read(MOST_PACKED + 1)
        try:
            outcome = _take(request, content, form, dry_run=True)
        except ApimError as error:
            return _page(request, form, error)
        return _preview(request, form, held.keep(request.user, content), outcome)
    return _page(request, form, None, 400 if form.errors else 200)


@require_POST
@developers_only
def confirm(request: HttpRequest) -> HttpResponse:
    """Take in the archive that was looked at, with the choices made then."""
    form = Confirmed(request.POST)
    if not form.is_valid():
        return redirect("portal:application_import")
    try:
        outcome = _take(request, held.kept(request.user, form.cleaned_data["ticket"]), form, dry_run=False)
    except ApimError as error:
        return _page(request, Upload(), error)
    held.forget(request.user)
    messages.success(request, f"{outcome.application} is {_became(outcome)}.")
    for text in [*outcome.warnings, *(reason for _, reason in outcome.skipped)]:
        messages.warning(request, text)
    return redirect("portal:application", outcome.application.pk)


@require_http_methods(["GET", "POST"])
@developers_only
def export(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """The archive of an application, once it is said of what."""
    application = queries.application(request.user, application_id)
    form = Export(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        return zipped(*export_application(application=application, keys=data["keys"], form=data["format"]))
    return render(request, "portal/application_export.html", {"application": application, "form": form})


def _take(request: HttpRequest, content: bytes, form: Choices, *, dry_run: bool) -> Outcome:
    return import_application(by=request.user, tree=unpack(content), options=form.options(dry_run=dry_run))


def _page(request: HttpRequest, form: Upload, error: ApimError | None, status: int = 400) -> HttpResponse:
    return render(request, "portal/application_import.html", {"form": form, "error": error}, status=status)


def _preview(request: HttpRequest, form: Upload, ticket: str, outcome: Outcome) -> HttpResponse:
    confirmed = Confirmed(initial={**form.cleaned_data, "ticket": ticket})
    for field in confirmed.fields.values():
        field.widget = forms.HiddenInput() if field.widget.input_type == "text" else field.hidden_widget()
    context: dict[str, Any] = {"form": confirmed, "outcome": outcome}
    return render(request, "portal/application_preview.html", context)


def _became(outcome: Outcome) -> str:
    return "imported" if outcome.created else "changed" if outcome.changes else "as it was: nothing changed"
