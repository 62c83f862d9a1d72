"""Forms of the steps of log-in and of one's own second factor."""

from __future__ import annotations

from typing import Any

from django import forms


class CodeForm(forms.Form):
    """A code of the authenticator, or a recovery code where `recovery` allows it."""

    code = forms.CharField(
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}),
    )

    def __init__(self, *args: Any, recovery: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code"
        self.fields["code"].help_text = (
            "Six digits of your authenticator app, or one of your recovery codes."
            if recovery
            else "Six digits that the app shows now."
        )


def _password(label: str) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, widget=widget, strip=False, max_length=256)


class NewPasswordForm(forms.Form):
    """Instead of an expired password."""

    password = _password("New password")
    repeated = _password("New password again")

    def clean(self) -> dict[str, Any]:
        """Both must be the same."""
        given = super().clean()
        if given.get("password") and given.get("repeated") and given["password"] != given["repeated"]:
            self.add_error("repeated", "The two passwords differ.")
        return given
