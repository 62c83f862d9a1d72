"""The forms of archives: what to import and how, and what to export."""

from __future__ import annotations

from typing import Any

from django import forms

from publisher.archive.importing import Options
from publisher.archive.tree import MOST_PACKED
from publisher.models import Api

NOW = "now"
"""Stands for the design that is no revision yet."""


class Choices(forms.Form):
    """How an archive is taken in."""

    overwrite = forms.BooleanField(
        required=False,
        initial=True,
        label="Change it when it is there already",
        help_text="Else an API of that name and version is a conflict.",
    )
    rotate = forms.BooleanField(
        required=False,
        label="Make room for its revision",
        help_text="When there are five, the oldest is undeployed and deleted.",
    )
    provider = forms.BooleanField(
        required=False,
        label="Keep the provider",
        help_text="Administrators only; there must be somebody of that name here.",
    )
    environment = forms.CharField(
        required=False, max_length=100, label="Environment", help_text="Which part of its api_params.yaml counts."
    )

    def options(self, *, dry_run: bool) -> Options:
        """The same for the import."""
        data = self.cleaned_data
        return Options(
            overwrite=data["overwrite"],
            rotate=data["rotate"],
            preserve_provider=data["provider"] or None,
            environment=data["environment"].strip(),
            dry_run=dry_run,
        )


class Upload(Choices):
    """The archive with it."""

    file = forms.FileField(
        label="Archive", help_text="A .zip of an API, an API product or a policy, as exported here or by the command-line tool.",
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
    )  # fmt: skip
    field_order = ("file",)

    def content(self) -> bytes:
        """Its bytes; one more than allowed when there are more."""
        held: bytes = self.cleaned_data["file"].read(MOST_PACKED + 1)
        return held


class Confirmed(Choices):
    """The same choices with the ticket of the upload that was looked at."""

    ticket = forms.CharField(max_length=60, widget=forms.HiddenInput)


class Export(forms.Form):
    """What of an API is exported."""

    revision = forms.ChoiceField(label="What", initial=NOW)
    format = forms.ChoiceField(label="Files as", choices=(("YAML", "YAML"), ("JSON", "JSON")))
    keep_state = forms.BooleanField(
        required=False, initial=True, label="With its state", help_text="Else it is Created where it is imported."
    )

    def __init__(self, api: Api, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = api.revisions.order_by("-number")
        named = [(str(row.number), f"Revision {row.number}, with where it runs") for row in rows]
        self.fields["revision"].choices = [(NOW, "The design as it is now"), *named]  # type: ignore[attr-defined]
