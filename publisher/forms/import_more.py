"""Making APIs from GraphQL schemas and WSDLs: the definition and what the API is called, on one page."""

from __future__ import annotations

from typing import Any

from django import forms

from apim.errors import ApimError
from publisher.fetching import fetch
from publisher.forms.create import Definition, Scratch
from publisher.wsdl.bundle import Bundle, from_address, from_upload

_ADDRESS = forms.CharField(
    label="Or fetch it from an address",
    max_length=2000,
    required=False,
    widget=forms.URLInput(attrs={"placeholder": "https://example.org/schema.graphql", "spellcheck": "false"}),
)


class SchemaText(Definition):
    """A GraphQL schema as file or text."""

    file = forms.FileField(label="Schema", required=False, help_text="GraphQL SDL.")
    text = forms.CharField(
        label="Or paste it",
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 12, "class": "mono", "spellcheck": "false", "placeholder": "type Query { hello: String }"}
        ),
    )


class FromSchema(SchemaText, Scratch):
    """A GraphQL API."""

    url = _ADDRESS
    field_order = ["file", "text", "url", "name", "context", "version", "endpoint"]

    def clean(self) -> dict[str, Any]:
        """One text from the three fields."""
        data = self.cleaned_data
        if data.get("url") and not data.get("file") and not (data.get("text") or "").strip():
            try:
                data["text"] = self._decoded(fetch(data["url"]))
            except ApimError as error:
                self.add_error("url", error.description)
                return data
        return super().clean()

    def import_keywords(self) -> dict[str, Any]:
        """Keywords of `import_graphql`."""
        data = self.cleaned_data
        return {name: data[name] for name in ("text", "name", "context", "version")} | {
            "endpoint": data["endpoint"] or None
        }


class WsdlFile(forms.Form):
    """A WSDL as file, archive or address."""

    file = forms.FileField(
        label="WSDL", required=False, help_text="A .wsdl file, or a zip archive with what it imports."
    )
    url = _ADDRESS.__class__(
        label="Or fetch it from an address",
        max_length=2000,
        required=False,
        widget=forms.URLInput(attrs={"placeholder": "https://example.org/service?wsdl", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        """The bundle."""
        data = super().clean()
        if not data.get("file") and not data.get("url"):
            self.add_error("file", "Choose a file or name an address.")
            return data
        try:
            data["bundle"] = from_upload(data["file"].read()) if data.get("file") else from_address(data["url"])
        except ApimError as error:
            self.add_error("file" if data.get("file") else "url", error.description)
        return data

    @property
    def bundle(self) -> Bundle:
        """What was sent."""
        found: Bundle = self.cleaned_data["bundle"]
        return found


class FromWsdl(WsdlFile, Scratch):
    """A SOAP API, passed through or as REST."""

    kind = forms.ChoiceField(
        label="Offer it as",
        choices=[
            ("SOAP", "SOAP, passed through: callers send envelopes, one resource takes them all"),
            ("SOAPTOREST", "REST: callers send JSON, each operation is a resource that translates"),
        ],
        widget=forms.RadioSelect,
        initial="SOAP",
    )
    field_order = ["file", "url", "kind", "name", "context", "version", "endpoint"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["endpoint"].help_text = "Empty: the first address that the WSDL names."

    def import_keywords(self) -> dict[str, Any]:
        """Keywords of `import_wsdl`."""
        data = self.cleaned_data
        chosen = {name: data[name] for name in ("kind", "name", "context", "version", "bundle")}
        return chosen | {"endpoint": data["endpoint"] or None}
