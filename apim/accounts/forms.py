"""Forms of the account pages: log-in, sign-up, profile, password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.http import HttpRequest

from apim.accounts import doors, throttle
from apim.accounts.backend import address_of
from apim.accounts.models import User
from apim.accounts.names import LOCAL_NAME, canonical


def _password(label: str, autocomplete: str, **options: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, widget=widget, strip=False, max_length=256, **options)


PASSWORD_HELP = "Neither a common password nor like your name or e-mail; your organisation may ask for more."  # noqa: S105 - a text


class LoginForm(forms.Form):
    """User name and password; one message for every way in which they can be wrong."""

    username = forms.CharField(
        label="User name", max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none"}),
    )  # fmt: skip
    password = _password("Password", "current-password")

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: User | None = None

    def clean(self) -> dict[str, Any]:
        """Authenticate, or say why not."""
        given = super().clean()
        username, password = given.get("username"), given.get("password")
        if not username or not password:
            return given
        try:
            self.user = authenticate(self.request, username=username, password=password, interactive=True)
        except doors.PeopleUnavailable as error:
            raise forms.ValidationError(error.description) from error
        if self.user is None:
            raise forms.ValidationError(self._reason(username))
        return given

    def _reason(self, username: str) -> str:
        name = canonical(username, self.request.tenant)
        limits = doors.rules().limits(name)
        if throttle.locked(name, address_of(self.request), limits):
            minutes = -(-limits.window // 60)
            wait = f"Wait {minutes} minute{'' if minutes == 1 else 's'}, then try again"
            return f"Too many failed attempts. {wait}, or ask an administrator to unlock the account."
        return "User name and password do not match an active account."


class _Repeated(forms.Form):
    """A password typed twice."""

    def clean(self) -> dict[str, Any]:
        """Both passwords must be the same."""
        given = super().clean()
        if given.get("password") and given.get("repeated") and given["password"] != given["repeated"]:
            self.add_error("repeated", "The two passwords differ.")
        return given


class SignUpForm(_Repeated):
    """What a new app developer tells; the rules of the values are the action's."""

    username = forms.CharField(
        label="User name", max_length=64, validators=[LOCAL_NAME], help_text="Letters, digits, dots, dashes and underscores.",
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}),
    )  # fmt: skip
    email = forms.EmailField(label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    password = _password("Password", "new-password", help_text=PASSWORD_HELP)
    repeated = _password("Password again", "new-password")


class ProfileForm(forms.ModelForm):
    """A person's own particulars."""

    class Meta:
        model = User
        fields = ["first_name", "last_name", "email"]
        labels = {"email": "E-mail"}


class PasswordForm(_Repeated):
    """A change of one's own password."""

    current = _password("Current password", "current-password")
    password = _password("New password", "new-password", help_text=PASSWORD_HELP)
    repeated = _password("New password again", "new-password")
