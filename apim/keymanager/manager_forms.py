"""Forms of the key managers' admin pages. They shape input; the action decides whether it is allowed."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from apim.keymanager import connectors
from apim.keymanager.models import KeyManager

PREFIX = "setting_"
"""Before the names of a connector's settings, among the other fields."""

MOST_LINES = 100


class NamesField(forms.CharField):
    """A list of names, divided by commas or line ends."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        return [one.strip() for one in (value or "").replace("\n", ",").split(",") if one.strip()][:MOST_LINES]


class MappingField(forms.CharField):
    """Claims there and here, a line each: `remote = local`."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(f"{one['remoteClaim']} = {one['localClaim']}" for one in value)

    def to_python(self, value: Any) -> list[dict[str, str]]:
        found = []
        for line in [one for one in (value or "").splitlines() if one.strip()][:MOST_LINES]:
            remote, sign, local = line.rpartition("=")
            if not sign or not remote.strip() or not local.strip():
                raise forms.ValidationError(f"{line[:80]!r} is not of the form: claim there = claim here")
            found.append({"remoteClaim": remote.strip(), "localClaim": local.strip()})
        return found


class PatternsField(forms.CharField):
    """Token patterns as JSON, the form of the REST contract."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value, indent=2) if isinstance(value, list) and value else ("" if value == [] else value)

    def to_python(self, value: Any) -> list[Any]:
        try:
            found = json.loads(value) if (value or "").strip() else []
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"is not JSON: {error}") from error
        if not isinstance(found, list):
            raise forms.ValidationError('must be a list, as [{"type": "JWT", "value": {"body": {"typ": "Bearer"}}}]')
        return found


class KeyManagerForm(forms.ModelForm):
    """A key manager. Stored secrets are never shown; an empty secret field leaves what is set."""

    introspection_password = forms.CharField(
        required=False,
        max_length=500,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="The gateways' secret there; empty leaves the one that is set.",
    )
    grant_types = NamesField(required=False, help_text="By comma; developers may choose among these.")
    roles = NamesField(required=False, help_text="By comma, as Internal/subscriber.")
    claim_mapping = MappingField(
        required=False, help_text="A line each: claim there = claim here. Backend JWTs and conditions see the one here."
    )
    token_validation = PatternsField(
        required=False,
        help_text="JSON list of patterns (RE2, for a whole text) of which one must fit; empty: every token of the issuer.",
    )

    class Meta:
        model = KeyManager
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("token_type", "permission", "kind"):
            if name in self.fields:
                self.fields[name].required = False

    def settings(self) -> dict[str, str]:
        """What the connector is to know; an empty secret is left out, so that the stored one stays."""
        connector = connectors.of(self.instance.kind)
        secret = connector.secret_names if connector else frozenset()
        given = {
            name.removeprefix(PREFIX): value for name, value in self.cleaned_data.items() if name.startswith(PREFIX)
        }
        kept = {name: value for name, value in self.instance.properties.items() if PREFIX + name not in self.fields}
        return kept | {name: value for name, value in given.items() if value or name not in secret}


def form_for(kind: str) -> type[KeyManagerForm]:
    """The form with the settings that a connector asks for."""
    connector = connectors.of(kind)
    return type(
        "KeyManagerForm",
        (KeyManagerForm,),
        {PREFIX + one.name: _field(one) for one in connector.fields} if connector else {},
    )


def _field(one: connectors.Field) -> forms.CharField:
    widget = (
        UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}) if one.mask else UnfoldAdminTextInputWidget()
    )
    hint = " Empty leaves the one that is set." if one.mask else ""
    # Needed to register clients only, so the action asks for it, not the form.
    return forms.CharField(
        label=one.label, required=False, max_length=4000, widget=widget, help_text=one.tooltip + hint
    )


class TokenTrialForm(forms.Form):
    """A token to be explained, and against what."""

    token = forms.CharField(
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5, "spellcheck": "false", "autocomplete": "off"}),
        help_text="It is checked and forgotten: neither stored nor logged, and not shown again.",
    )
    organisation = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)
    api = forms.ChoiceField(label="API", required=False, widget=UnfoldAdminSelectWidget)
    environment = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, choices: dict[str, list[tuple[str, str]]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, offered in choices.items():
            if offered:
                self.fields[name].choices = offered if name == "organisation" else [("", "–"), *offered]
            else:
                del self.fields[name]
