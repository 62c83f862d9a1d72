"""Forms of the admin site for an organisation's configuration, scopes and theme; their values go to the actions."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminColorInputWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from apim.configuration import document, scopes, theme_archive
from apim.configuration.alerts import ALERTS
from apim.configuration.models import AlertSubscription, TenantConfiguration, Theme
from apim.configuration.theme import COLOURS, LONGEST_TITLE, MODES, USUAL, ThemeDescription, check
from apim.errors import ApimError

SCOPES_HELP = (
    "One scope a line: its name, a colon, and the roles that have it, by comma. A scope without a line stays as it was."
)
ALIASES_HELP = "One role a line: its name, a colon, and the roles that count as it, by comma."


class ConfigurationForm(forms.ModelForm):
    """The document as JSON, and the scopes and aliases in it as lines."""

    scope_roles = forms.CharField(
        label="Roles of scopes", required=False, help_text=SCOPES_HELP,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 24, "class": "font-mono", "spellcheck": "false"}),
    )  # fmt: skip
    role_aliases = forms.CharField(
        label="Aliases of roles", required=False, help_text=ALIASES_HELP,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "class": "font-mono", "spellcheck": "false"}),
    )  # fmt: skip
    others = forms.CharField(
        label="Everything else",
        required=False,
        help_text="The other fields of the document, as JSON. Those that are honoured are told in the schema; others are kept.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 20, "class": "font-mono", "spellcheck": "false"}),
    )

    class Meta:
        model = TenantConfiguration
        fields = ["organisation"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        content = self.instance.content or document.defaults()
        rest = {name: value for name, value in content.items() if name not in ("RESTAPIScopes", "RoleMappings")}
        self.initial["scope_roles"] = _lines(scopes.mapping(content))
        self.initial["role_aliases"] = _lines(scopes.aliases(content))
        self.initial["others"] = json.dumps(rest, indent=2)

    def clean_scope_roles(self) -> dict[str, tuple[str, ...]]:
        """Scope → roles."""
        return _mapping(self.cleaned_data["scope_roles"])

    def clean_role_aliases(self) -> dict[str, tuple[str, ...]]:
        """Role → aliases."""
        return _mapping(self.cleaned_data["role_aliases"])

    def clean_others(self) -> dict[str, Any]:
        """The JSON object."""
        try:
            found = json.loads(self.cleaned_data["others"] or "{}")
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"Not JSON: {error}") from error
        if not isinstance(found, dict):
            raise forms.ValidationError("Write a JSON object.")
        return found

    def content(self) -> dict[str, Any]:
        """The whole document that was typed."""
        present = scopes.mapping(self.instance.content or {}) | self.cleaned_data["scope_roles"]
        whole = scopes.write_mapping(self.cleaned_data["others"], present)
        return scopes.write_aliases(whole, self.cleaned_data["role_aliases"])


class ThemeForm(forms.ModelForm):
    """Colours and logo, or a whole theme as an archive."""

    archive = forms.FileField(
        label="Zip archive", required=False, widget=UnfoldAdminFileFieldWidget(),
        help_text="theme.json and the image it names. When one is sent, the fields below are not looked at.",
    )  # fmt: skip
    title = forms.CharField(required=False, max_length=LONGEST_TITLE, widget=UnfoldAdminTextInputWidget())
    image = forms.FileField(
        label="Logo", required=False, widget=UnfoldAdminFileFieldWidget(),
        help_text=f"{', '.join(theme_archive.KINDS)}; {theme_archive.LARGEST_IMAGE // 1024} KB at most. Empty: as it is.",
    )  # fmt: skip

    class Meta:
        model = Theme
        fields = ["organisation"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = self.instance.description
        self.initial["title"] = given.get("title", "")
        for name, (mode, colour) in colour_fields().items():
            self.initial[name] = given.get(mode, {}).get(colour, USUAL[mode][colour])

    def clean(self) -> dict[str, Any]:
        """The theme in `cleaned_data["theme"]`, as description, logo and its media type."""
        found = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                found["theme"] = self._theme(found)
            except ApimError as error:
                self._tell(error)
        return found

    def _theme(self, given: dict[str, Any]) -> tuple[ThemeDescription, bytes, str]:
        if given.get("archive"):
            upload = given["archive"]
            return theme_archive.read(upload.read(theme_archive.LARGEST + 1))
        colours: dict[str, dict[str, str]] = {mode: {} for mode in MODES}
        for name, (mode, colour) in colour_fields().items():
            colours[mode][colour] = given[name]
        described = check({"title": given["title"], **colours})
        if given.get("image"):
            upload = given["image"]
            return (described, *theme_archive.image(upload.read(theme_archive.LARGEST_IMAGE + 1), upload.name))
        return described, bytes(self.instance.logo), self.instance.logo_type

    def _tell(self, error: ApimError) -> None:
        for wrong in error.fields:
            name = wrong.field.replace(".", "_")
            self.add_error(name if name in self.fields else None, f"{wrong.field} {wrong.message}")
        if not error.fields:
            self.add_error(None, error.description)


def colour_fields() -> dict[str, tuple[str, str]]:
    """Name of a form's field → mode and colour."""
    return {f"{mode}_{colour}": (mode, colour) for mode in MODES for colour in COLOURS}


for _name, (_mode, _colour) in colour_fields().items():
    ThemeForm.base_fields[_name] = forms.CharField(
        label=f"{_colour.capitalize()} ({_mode})", widget=UnfoldAdminColorInputWidget(attrs={"type": "color"})
    )
    ThemeForm.declared_fields[_name] = ThemeForm.base_fields[_name]


class AlertForm(forms.ModelForm):
    """What an administrator is mailed."""

    alerts = forms.MultipleChoiceField(
        choices=[(one.name, f"{one.name}: {one.description}") for one in ALERTS],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    emails = forms.CharField(
        label="Addresses", help_text="One a line.", widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )

    class Meta:
        model = AlertSubscription
        fields = ["alerts", "emails"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["emails"] = "\n".join(self.instance.emails or [])

    def clean_emails(self) -> list[str]:
        """The addresses."""
        return self.cleaned_data["emails"].split()


def _lines(found: dict[str, tuple[str, ...]]) -> str:
    return "\n".join(f"{name}: {', '.join(roles)}" for name, roles in found.items())


def _mapping(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, colon, roles = line.rpartition(":")
        if not colon or not name.strip():
            raise forms.ValidationError(f"Line {number}: write a name, a colon, and roles.")
        found[name.strip()] = tuple(role for part in roles.split(",") if (role := part.strip()))
    return found
