"""Forms of documents, shared scopes, custom properties, pictures and monetization."""

from __future__ import annotations

from typing import Any

from django import forms

from apim.accounts.models import Organisation, Role
from publisher.models import Document, DocumentKind, DocumentSource, DocumentVisibility, SharedScope

DOCUMENT_FIELDS = ("name", "kind", "other_kind", "summary", "source", "url", "visibility")


class DocumentForm(forms.Form):
    """What a document is."""

    name = forms.CharField(max_length=60)
    summary = forms.CharField(required=False, max_length=32_766, widget=forms.Textarea(attrs={"rows": 2}))
    kind = forms.ChoiceField(choices=DocumentKind.choices, label="Kind")
    other_kind = forms.CharField(required=False, max_length=60, label="What to call it", help_text="Only for “Other”.")
    source = forms.ChoiceField(choices=DocumentSource.choices, label="Content")
    url = forms.CharField(
        required=False, max_length=2000, label="Address", help_text="Only for “An address elsewhere”."
    )
    visibility = forms.ChoiceField(choices=DocumentVisibility.choices, label="Who may read it")

    def __init__(self, document: Document | None = None, data: Any = None) -> None:
        super().__init__(data, initial={name: getattr(document, name) for name in DOCUMENT_FIELDS} if document else {})


class ScopeForm(forms.Form):
    """A shared scope; the name of one that exists stays."""

    PLACES = {"roles": "roles"}
    name = forms.CharField(max_length=255, help_text="Without spaces, such as orders:read.")
    display_name = forms.CharField(required=False, max_length=255)
    description = forms.CharField(required=False, max_length=512)
    roles = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, help_text="Who gets it; none: everybody."
    )

    def __init__(self, organisation: Organisation, scope: SharedScope | None = None, data: Any = None) -> None:
        names = ("name", "display_name", "description", "roles")
        super().__init__(data, initial={name: getattr(scope, name) for name in names} if scope else {})
        known = Role.objects.filter(organisation=organisation).values_list("name", flat=True)
        self.fields["roles"].choices = [(name, name) for name in known]
        if scope is not None:
            del self.fields["name"]


class MonetizationForm(forms.Form):
    """Whether an API costs money, and what the billing provider is told."""

    enabled = forms.BooleanField(required=False, label="This API costs money")
    properties = forms.CharField(
        required=False,
        max_length=60_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="For the billing provider: one a line, name = value.",
    )

    def __init__(self, monetization: dict[str, Any], data: Any = None) -> None:
        listed = (monetization.get("properties") or {}).items()
        text = "\n".join(f"{name} = {value}" for name, value in listed)
        super().__init__(data, initial={"enabled": monetization.get("enabled", False), "properties": text})

    def pairs(self) -> dict[str, str]:
        """The properties by name."""
        return dict(_pairs(self.cleaned_data["properties"]))


def properties_text(listed: list[dict[str, Any]]) -> str:
    """Custom properties as lines; a star marks those that the portal shows."""
    return "\n".join(f"{one['name']}{'*' if one['display'] else ''} = {one['value']}" for one in listed)


def properties_of(text: str) -> list[dict[str, Any]]:
    """The same, read back."""
    return [
        {"name": name.removesuffix("*").strip(), "value": value, "display": name.endswith("*")}
        for name, value in _pairs(text)
    ]


def _pairs(text: str) -> list[tuple[str, str]]:
    lines = [line.partition("=") for line in text.splitlines() if line.strip()]
    return [(name.strip(), value.strip()) for name, _, value in lines]
