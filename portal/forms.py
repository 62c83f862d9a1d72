"""Forms of the portal's pages. They shape input; the actions decide whether it is allowed."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.utils.html import conditional_escape

from apim.keymanager.grants import LONGEST_LIFETIME
from apim.traffic.models import Policy
from portal.attributes import LONGEST_VALUE
from portal.grants import GRANTS
from portal.models import Application, ApplicationAttribute
from portal.wording import plan_text


def _choices(policies: Iterable[Policy]) -> list[tuple[str, str]]:
    return [(policy.name, f"{policy.display_name or policy.name} – {plan_text(policy)}") for policy in policies]


class ApplicationForm(forms.Form):
    """Name, limit, description, the organisation's attributes and the groups of an application.

    `throttlingPolicy` is the contract's name of the limit; the fields of attributes are `attributes.<name>`, as in errors.
    """

    name = forms.CharField(max_length=100, help_text="Your program's name; the API's publishers see it.")
    throttlingPolicy = forms.ChoiceField(  # noqa: N815 - errors of actions name this field
        label="Limit", help_text="All calls of one token together, whatever APIs they go to."
    )
    description = forms.CharField(max_length=512, required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(
        self,
        *args: object,
        limits: Iterable[Policy],
        attributes: Iterable[ApplicationAttribute] = (),
        groups: Iterable[str] = (),
        kept: dict[str, str] | None = None,
        **kwargs: object,
    ) -> None:
        """`groups`: names to choose from; `kept`: attributes it has already, also those that no field asks for."""
        super().__init__(*args, **kwargs)
        self.fields["throttlingPolicy"].choices = _choices(limits)
        self._kept = kept or {}
        self._asked = [one for one in attributes if not one.hidden]
        for one in self._asked:
            self.fields[f"attributes.{one.name}"] = forms.CharField(
                label=one.name,
                required=one.required,
                max_length=LONGEST_VALUE,
                help_text=conditional_escape(one.description),
                initial=self._kept.get(one.name, ""),
                widget=forms.TextInput(attrs={"title": one.tooltip} if one.tooltip else {}),
            )
        if groups:
            self.fields["groups"] = forms.MultipleChoiceField(
                choices=[(name, name) for name in groups],
                required=False,
                label="Shared with",
                widget=forms.CheckboxSelectMultiple,
                help_text="Members of these groups work with the application as you do; only you delete it.",
            )

    def values(self) -> dict[str, object]:
        """The keywords of the application actions."""
        data = self.cleaned_data
        given = {one.name: data.get(f"attributes.{one.name}", "") for one in self._asked}
        attributes = {name: value for name, value in {**self._kept, **given}.items() if value or name not in given}
        values = {"name": data["name"], "policy": data["throttlingPolicy"], "description": data["description"]}
        return {**values, "attributes": attributes}


class SubscribeForm(forms.Form):
    """Which application, and under which plan. A new application is made when its name is given."""

    application = forms.ModelChoiceField(
        Application.objects.none(), required=False, empty_label="A new application …", label="Application"
    )
    new_application = forms.CharField(max_length=100, required=False, label="Name of the new application")
    throttlingPolicy = forms.ChoiceField(widget=forms.RadioSelect, label="Plan")  # noqa: N815

    def __init__(
        self, *args: object, applications: Iterable[Application], plans: Iterable[Policy], **kwargs: object
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["application"].queryset = applications
        self.fields["throttlingPolicy"].choices = _choices(plans)
        if self.fields["throttlingPolicy"].choices:
            self.fields["throttlingPolicy"].initial = self.fields["throttlingPolicy"].choices[0][0]

    def clean(self) -> dict[str, object]:
        """One of the two ways to name the application."""
        data = super().clean()
        if "application" in data and not data["application"] and not data.get("new_application", "").strip():
            self.add_error("new_application", "Choose an application above, or name a new one.")
        return data


class KeyForm(forms.Form):
    """What the OAuth client of an application may do. Field names are those of the key manager's errors."""

    grantTypes = forms.MultipleChoiceField(  # noqa: N815
        choices=GRANTS, widget=forms.CheckboxSelectMultiple, initial=["client_credentials"], label="Grant types"
    )
    callbackUrl = forms.CharField(  # noqa: N815
        required=False,
        max_length=2000,
        label="Callback addresses",
        help_text="Where users come back to; needed for authorization code. Several are separated by spaces.",
        widget=forms.TextInput(attrs={"placeholder": "https://app.example.org/callback", "inputmode": "url"}),
    )
    validityPeriod = forms.IntegerField(  # noqa: N815
        required=False,
        min_value=1,
        max_value=LONGEST_LIFETIME,
        label="Access tokens live for (seconds)",
        help_text="Empty: as long as the platform says.",
    )

    def __init__(
        self, *args: object, grants: list[tuple[str, str]] | None = None, remote: bool = False, **kwargs: object
    ) -> None:
        super().__init__(*args, **kwargs)
        if grants is not None:
            self.fields["grantTypes"].choices = grants
        if remote:  # the key manager says how long its tokens live
            del self.fields["validityPeriod"]

    def values(self) -> dict[str, object]:
        """The keywords of the key actions."""
        data = self.cleaned_data
        return {
            "grant_types": data["grantTypes"],
            "callback_url": data["callbackUrl"],
            "token_lifetime": data.get("validityPeriod"),
        }


class MapForm(forms.Form):
    """An OAuth client that exists already."""

    consumerKey = forms.CharField(max_length=100, label="Consumer key")  # noqa: N815 - errors of actions name this field
    consumer_secret = forms.CharField(
        max_length=255, label="Consumer secret", widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, *args: object, optional_secret: bool = False, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["consumer_secret"].required = not optional_secret


class TokenForm(forms.Form):
    """A test token."""

    scopes = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    validityPeriod = forms.IntegerField(  # noqa: N815
        required=False, min_value=1, label="Lives for (seconds)", help_text="Empty: as long as the client's tokens do."
    )

    consumerSecret = forms.CharField(  # noqa: N815
        max_length=255,
        label="Consumer secret",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="The key manager asks for it, and it is kept nowhere here.",
    )
    subjectToken = forms.CharField(  # noqa: N815
        max_length=8192,
        required=False,
        label="Token to exchange",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        help_text="A token of this key manager; yours then stands for its subject.",
    )

    def __init__(
        self, *args: object, scopes: Iterable[str], remote: bool = False, exchanges: bool = False, **kwargs: object
    ) -> None:
        # The key's settings on the same page have a field of the same name, and an id stands for one element.
        super().__init__(*args, auto_id="id_token_%s", **kwargs)
        self.fields["scopes"].choices = [(scope, scope) for scope in scopes]
        self.fields["scopes"].initial = list(scopes)
        if not self.fields["scopes"].choices:
            del self.fields["scopes"]
        if remote:  # the key manager says how long its tokens live
            del self.fields["validityPeriod"]
        else:
            del self.fields["consumerSecret"]
        if not exchanges:
            del self.fields["subjectToken"]
