"""Forms of policies: the attributes of one use, made from its specification; an upload; what a gateway does at run time."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html

from publisher.api.shapes.policies import USUAL_SECONDS
from publisher.forms.design import Part
from publisher.models import Api
from publisher.policies.specification import wrong_value


class Attributes(forms.Form):
    """The values of one policy's attributes. `parameters` are what a flow keeps."""

    def __init__(self, specification: dict[str, Any], values: dict[str, Any], data: Any = None) -> None:
        self.attributes = specification["policyAttributes"]
        super().__init__(data, prefix="value", auto_id="id_%s")
        for attribute in self.attributes:
            self.fields[attribute["name"]] = field_of(attribute, values.get(attribute["name"]))

    def clean(self) -> dict[str, Any]:
        """Every value as its specification wants it."""
        data = super().clean() or self.cleaned_data
        for attribute in self.attributes:
            value = data.get(attribute["name"])
            if value not in (None, ""):
                for text in wrong_value(attribute, value):
                    self.add_error(attribute["name"], text)
        return data

    def parameters(self) -> dict[str, Any]:
        """The values that were given; an empty secret stays, so that the old one is kept."""
        return {name: value for name, value in self.cleaned_data.items() if value is not None}


def field_of(attribute: dict[str, Any], value: Any) -> forms.Field:
    """The field of one attribute with its present value, or its default."""
    kind = attribute["type"]
    initial = attribute.get("defaultValue") if value is None else value
    common: dict[str, Any] = {
        "label": attribute["displayName"],
        "help_text": format_html("{}", attribute["description"]),
        "required": attribute["required"] and kind not in ("Boolean", "Secret"),
        "initial": initial,
    }
    if kind == "Boolean":
        return forms.BooleanField(**common | {"initial": str(initial).lower() == "true"})
    if kind == "Integer":
        return forms.IntegerField(**common)
    if kind == "Enum":
        empty = [] if attribute["required"] else [("", "–")]
        return forms.ChoiceField(choices=[*empty, *((one, one) for one in attribute["allowedValues"])], **common)
    if kind == "Secret":
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
        text = "Leave it empty to keep the present one." if value else attribute["description"]
        return forms.CharField(**common | {"initial": "", "widget": widget, "help_text": format_html("{}", text)})
    return forms.CharField(max_length=20_000, widget=forms.TextInput(attrs={"spellcheck": "false"}), **common)


class Upload(forms.Form):
    """A new policy from two files."""

    specification = forms.FileField(help_text="JSON or YAML: name, version, flows, attributes.")
    definition = forms.FileField(help_text="Synapse text with the attributes in double braces (.j2).")

    def texts(self) -> dict[str, str]:
        """What the action takes."""
        data = self.cleaned_data
        return {"spec": _text(data["specification"]), "definition": _text(data["definition"])}


def _text(upload: Any) -> str:
    return str(upload.read(1_000_001).decode("utf-8-sig", "replace"))


class Runtime(Part):
    """What gateways do with every call of the API: schema validation, response caching."""

    PLACES = {"cache_seconds": "cache_seconds"}
    validate_schema = forms.BooleanField(
        required=False,
        label="Validate requests and answers against the definition",
        help_text="A request that does not follow it is refused with 400, an answer with 500.",
    )
    caching = forms.BooleanField(
        required=False,
        label="Keep answers (response caching)",
        help_text="Answers to GET, for each caller apart. What the backend says by Cache-Control counts.",
    )
    cache_seconds = forms.IntegerField(
        required=False, min_value=1, max_value=86_400, label="For at most, in seconds", initial=USUAL_SECONDS
    )

    def initial_of(self, api: Api) -> dict[str, Any]:
        """The present settings."""
        return {
            "validate_schema": api.validate_schema,
            "caching": api.cache_seconds > 0,
            "cache_seconds": api.cache_seconds or USUAL_SECONDS,
        }

    def keywords(self) -> dict[str, Any]:
        """As the action takes them."""
        data = self.cleaned_data
        seconds = (data["cache_seconds"] or USUAL_SECONDS) if data["caching"] else 0
        return {"validate_schema": data["validate_schema"], "cache_seconds": seconds}
