"""The forms of an API's security page: which credentials it takes, and a client certificate."""

from __future__ import annotations

from typing import Any

from django import forms

from apim.keymanager.models import KeyManager
from apim.traffic.queries import plans
from publisher.actions.client_certificates import KEY_TYPES
from publisher.checks.security import APPLICATION_MANDATORY, MUTUAL, MUTUAL_MANDATORY
from publisher.forms.design import Part
from publisher.models import Api

SCHEMES = (
    ("oauth2", "OAuth2 – access tokens"),
    ("api_key", "API keys – of subscribed applications"),
    ("basic_auth", "Basic – user name and password, no subscription"),
)
ALL = "all"


class Security(Part):
    """Schemes of the two levels, and what tokens must be like."""

    PLACES = {"security": "schemes"}
    schemes = forms.MultipleChoiceField(
        required=False,
        choices=SCHEMES,
        widget=forms.CheckboxSelectMultiple,
        label="Application level",
        help_text="Any one of these is enough.",
    )
    application_mandatory = forms.BooleanField(
        required=False, label="One of them must be there", help_text="Always so without mutual TLS."
    )
    mutual = forms.BooleanField(
        required=False, label="Mutual TLS", help_text="Callers show one of the API's client certificates."
    )
    mutual_mandatory = forms.BooleanField(
        required=False, label="The certificate must be there", help_text="Always so without an application level."
    )
    authorization_header = forms.CharField(
        max_length=100, help_text="Carries access tokens, and user name and password."
    )
    api_key_header = forms.CharField(max_length=100, label="API key header")
    key_managers = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Whose tokens are taken; none ticked: everybody's.",
    )
    audiences = forms.CharField(
        required=False, max_length=2000, help_text="Tokens must be for one of these; separated by commas. Empty: any."
    )

    def initial_of(self, api: Api) -> dict[str, Any]:
        """The list of schemes, taken apart."""
        return {
            "schemes": [name for name, _ in SCHEMES if name in (api.security or ["oauth2"])],
            "application_mandatory": APPLICATION_MANDATORY in api.security or MUTUAL not in api.security,
            "mutual": MUTUAL in api.security,
            "mutual_mandatory": MUTUAL_MANDATORY in api.security,
            "authorization_header": api.authorization_header,
            "api_key_header": api.api_key_header,
            "key_managers": api.key_managers,
            "audiences": ", ".join(api.audiences),
        }

    def prepare(self) -> None:
        """The organisation's key managers."""
        names = KeyManager.objects.filter(organisation=self.api.organisation).values_list("name", flat=True)
        self.fields["key_managers"].choices = [(name, name) for name in names]

    def clean(self) -> dict[str, Any]:
        """An API that takes nothing would be open."""
        data = super().clean() or self.cleaned_data
        if not data.get("schemes") and not data.get("mutual"):
            self.add_error("schemes", "Choose at least one way in, or mutual TLS.")
        return data

    def keywords(self) -> dict[str, Any]:
        """The schemes as one list again."""
        data = self.cleaned_data
        marks = [(data["mutual"], MUTUAL), (data["mutual"] and data["mutual_mandatory"], MUTUAL_MANDATORY)]
        marks.append((data["schemes"] and data["application_mandatory"], APPLICATION_MANDATORY))
        return {
            "security": [*data["schemes"], *(name for wanted, name in marks if wanted)],
            "authorization_header": data["authorization_header"],
            "api_key_header": data["api_key_header"],
            "key_managers": data["key_managers"],
            "audiences": [part.strip() for part in data["audiences"].split(",") if part.strip()],
        }


class CertificateForm(forms.Form):
    """A client certificate."""

    alias = forms.CharField(max_length=30, help_text="A name for it: letters, digits, dots, dashes and underscores.")
    certificate = forms.FileField(help_text="PEM or DER, without a private key.")
    tier = forms.ChoiceField(label="Plan", help_text="Limits the calls of its holder.")
    keyType = forms.ChoiceField(  # noqa: N815 - errors of actions name this field
        label="Backend", choices=[(name, name.capitalize()) for name in KEY_TYPES]
    )

    def __init__(self, api: Api, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tier"].choices = [(plan.name, plan.display_name or plan.name) for plan in plans(api.organisation)]
        if ("Unlimited", "Unlimited") in self.fields["tier"].choices:
            self.fields["tier"].initial = "Unlimited"
