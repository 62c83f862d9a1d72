"""What people say on the pages of traces: which messages to trace, and a request to try."""

from __future__ import annotations

from typing import Any

from django import forms

KINDS = [
    ("", "anything"),
    ("api", "API"),
    ("proxy", "proxy service"),
    ("inbound-endpoint", "inbound endpoint"),
    ("sequence", "sequence"),
    ("template", "sequence template"),
    ("endpoint", "endpoint"),
]
METHODS = [(method, method) for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")]
LONGEST_BODY = 512 * 1024


class RuleForm(forms.Form):
    """Which messages to trace; what is left empty does not matter."""

    kind = forms.ChoiceField(choices=KINDS, required=False, label="That pass")
    name = forms.CharField(max_length=200, required=False, help_text="Its name; an API with a version is name:v1.0.")
    header = forms.CharField(max_length=100, required=False, label="With the header")
    value = forms.CharField(max_length=500, required=False, label="Value of the header")
    correlation_id = forms.CharField(max_length=200, required=False, label="With the correlation id")
    slower_ms = forms.FloatField(min_value=0, required=False, label="Slower than", help_text="Milliseconds.")
    rate = forms.FloatField(min_value=0, max_value=100, required=False, label="Share", help_text="Percent of them.")
    count = forms.IntegerField(
        min_value=1, max_value=100_000, required=False, label="Stop after", help_text="Messages."
    )
    minutes = forms.FloatField(min_value=0.1, max_value=1440, initial=10, label="End in", help_text="Minutes.")
    faults = forms.BooleanField(required=False, label="Only messages that fail")

    def clean(self) -> dict[str, Any]:
        """A kind needs a name, a value its header."""
        found = super().clean() or {}
        if bool(found.get("kind")) != bool(found.get("name")):
            self.add_error("name", "Give kind and name together.")
        if found.get("value") and not found.get("header"):
            self.add_error("header", "Which header has that value?")
        return found

    def rule(self) -> dict[str, Any]:
        """The rule as the management API takes it; empty when nothing was said."""
        given = self.cleaned_data
        rule: dict[str, Any] = {"artifact": f"{given['kind']}:{given['name']}"} if given["kind"] else {}
        names = {"header": "header", "value": "value", "correlation_id": "correlationId", "slower_ms": "slowerMs"}
        rule |= {
            key: given[name] for name, key in (*names.items(), ("faults", "faults"), ("count", "count")) if given[name]
        }
        if given["rate"] is not None:
            rule["rate"] = given["rate"] / 100
        return {**rule, "seconds": given["minutes"] * 60} if rule else {}


class TryForm(forms.Form):
    """A request to the integrator's own http port."""

    method = forms.ChoiceField(choices=METHODS)
    path = forms.CharField(max_length=2000, initial="/", help_text="Begins with /, with its query.")
    headers = forms.CharField(
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
        help_text="Name: value, one a line.",
    )
    body = forms.CharField(
        required=False,
        max_length=LONGEST_BODY,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5, "class": "mono", "spellcheck": "false"}),
    )

    def clean_path(self) -> str:
        """A path, never an address of elsewhere."""
        path: str = self.cleaned_data["path"].strip()
        if not path.startswith("/") or any(ord(letter) < 33 for letter in path):
            raise forms.ValidationError("A path that begins with / and has no white space is expected.")
        return path

    def clean_headers(self) -> dict[str, str]:
        """Names and values."""
        found = {}
        for line in self.cleaned_data["headers"].splitlines():
            if line.strip():
                name, colon, value = line.partition(":")
                if not colon or not name.strip():
                    raise forms.ValidationError(f"“{line[:60]}” is not of the form name: value.")
                found[name.strip()] = value.strip()
        return found

    def request(self) -> dict[str, Any]:
        """The request as the management API takes it."""
        given = self.cleaned_data
        return {name: given[name] for name in ("method", "path", "headers", "body")}
