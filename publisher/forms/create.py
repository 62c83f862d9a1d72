"""The three ways to make an API, and copying one to a new version."""

from __future__ import annotations

from typing import Any

from django import forms

from publisher.checks.identity import NAME_LENGTH
from publisher.openapi.reading import MAX_BYTES


def unix_lines(text: str) -> str:
    """`text` with the line ends that it had before the browser sent it."""
    return text.replace("\r\n", "\n")


class Identity(forms.Form):
    """What every new API needs."""

    name = forms.CharField(
        max_length=NAME_LENGTH, widget=forms.TextInput(attrs={"placeholder": "Pizza", "autofocus": True})
    )
    context = forms.CharField(
        max_length=200,
        help_text="Where callers find it, for example <code>/pizza</code>. The version is added behind.",
        widget=forms.TextInput(attrs={"placeholder": "/pizza", "spellcheck": "false"}),
    )
    version = forms.CharField(
        max_length=30, widget=forms.TextInput(attrs={"placeholder": "1.0.0", "spellcheck": "false"})
    )


class Scratch(Identity):
    """From nothing."""

    endpoint = forms.CharField(
        label="Endpoint",
        max_length=2000,
        required=False,
        help_text="The backend's address. You can set it later, too.",
        widget=forms.URLInput(attrs={"placeholder": "https://backend.example.org/v1"}),
    )

    def keywords(self) -> dict[str, Any]:
        """Keywords of `create_api`."""
        data = self.cleaned_data
        endpoints = {"production": {"url": data["endpoint"]}} if data["endpoint"] else {}
        return {name: data[name] for name in ("name", "context", "version")} | {"endpoints": endpoints}


class Definition(forms.Form):
    """An OpenAPI definition as text or as a file."""

    file = forms.FileField(label="File", required=False, help_text="OpenAPI 2.0, 3.0 or 3.1; JSON or YAML.")
    text = forms.CharField(
        label="Or paste the text",
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 12, "class": "mono", "spellcheck": "false", "placeholder": "openapi: 3.1.0"}
        ),
    )

    def clean(self) -> dict[str, Any]:
        """One text from the two fields."""
        data = super().clean()
        upload = data.get("file")
        if upload is not None and upload.size > MAX_BYTES:
            self.add_error("file", f"The file is larger than {MAX_BYTES // 1024 // 1024} MB.")
        elif upload is not None:
            data["text"] = self._decoded(upload.read())
        else:
            data["text"] = unix_lines(data.get("text") or "")
        if not self.errors and not (data.get("text") or "").strip():
            self.add_error("file", "Choose a file or paste a definition.")
        return data

    def _decoded(self, content: bytes) -> str:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self.add_error("file", f"Not UTF-8 text: {error.reason} at byte {error.start}.")
            return ""


class FromDefinition(Identity):
    """The second step of an import: what the definition suggests, to be changed; the text travels along."""

    endpoint = Scratch.base_fields["endpoint"]
    text = forms.CharField(strip=False, widget=forms.HiddenInput)

    def keywords(self) -> dict[str, Any]:
        """Keywords of `import_openapi`."""
        return self.cleaned_data | {"text": unix_lines(self.cleaned_data["text"])}


class NewVersion(forms.Form):
    """Copying an API."""

    version = forms.CharField(
        label="New version", max_length=30, widget=forms.TextInput(attrs={"placeholder": "2.0.0"})
    )
    default_version = forms.BooleanField(
        label="Make it the default version",
        required=False,
        help_text="Calls without a version in the path then reach it.",
    )
