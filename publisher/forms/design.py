"""One small form for each part of an API's design."""

from __future__ import annotations

from typing import Any

from django import forms

from apim.accounts.models import Role
from apim.traffic.models import Level
from apim.traffic.queries import plans, policies
from publisher.api.shapes import throughput
from publisher.forms.social import properties_of, properties_text
from publisher.models import Api, Availability, Visibility


class Part(forms.Form):
    """A part of an API: `keywords` are what `update_api` takes."""

    def __init__(self, api: Api, *args: Any, **kwargs: Any) -> None:
        self.api = api
        super().__init__(*args, initial=self.initial_of(api), **kwargs)
        self.prepare()

    def initial_of(self, api: Api) -> dict[str, Any]:
        """What the form shows at first."""
        return {name: getattr(api, name) for name in self.base_fields}

    def prepare(self) -> None:
        """Fill choices from the organisation."""

    def keywords(self) -> dict[str, Any]:
        """The changes."""
        return dict(self.cleaned_data)


class Basics(Part):
    """Description, tags, owners, visibility, default version."""

    description = forms.CharField(required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 5}))
    tags = forms.CharField(required=False, help_text="Separated by commas.")
    categories = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    visibility = forms.ChoiceField(choices=Visibility.choices, label="Who finds it in the developer portal")
    visible_roles = forms.MultipleChoiceField(
        required=False, label="Roles", help_text="Only for “Some roles”.", widget=forms.CheckboxSelectMultiple
    )
    is_default_version = forms.BooleanField(
        required=False, label="Default version", help_text="Calls without a version in the path reach it."
    )
    business_owner = forms.CharField(required=False, max_length=120)
    business_owner_email = forms.EmailField(required=False, label="Business owner's e-mail")
    technical_owner = forms.CharField(required=False, max_length=120)
    technical_owner_email = forms.EmailField(required=False, label="Technical owner's e-mail")
    additional_properties = forms.CharField(
        required=False,
        label="Custom properties",
        max_length=250_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One a line, name = value. A star after the name shows it in the portal: team* = Blue.",
    )

    def initial_of(self, api: Api) -> dict[str, Any]:
        """Tags as one line."""
        return super().initial_of(api) | {
            "tags": ", ".join(api.tags),
            "categories": [row.name for row in api.categories.all()],
            "additional_properties": properties_text(api.additional_properties),
        }

    def prepare(self) -> None:
        """The organisation's roles."""
        roles = Role.objects.filter(organisation=self.api.organisation).values_list("name", flat=True)
        self.fields["visible_roles"].choices = [(name, name) for name in roles]
        headings = [row.name for row in self.api.organisation.api_categories.all()]
        self.fields["categories"].choices = [(name, name) for name in headings]
        if not headings:
            del self.fields["categories"]

    def keywords(self) -> dict[str, Any]:
        """Tags as a list."""
        data = dict(self.cleaned_data)
        data["additional_properties"] = properties_of(data["additional_properties"])
        data["tags"] = [tag.strip() for tag in data["tags"].split(",") if tag.strip()]
        return data


class Access(Part):
    """How callers reach the API: transports, CORS."""

    PLACES = {"cors.origins": "origins", "cors.credentials": "credentials", "cors": "cors_enabled"}
    transports = forms.MultipleChoiceField(
        choices=[("https", "https"), ("http", "http")], widget=forms.CheckboxSelectMultiple
    )
    cors_enabled = forms.BooleanField(required=False, label="Answer browsers' cross-origin questions (CORS)")
    origins = forms.CharField(required=False, label="Allowed origins", help_text="Separated by commas; * for all.")
    credentials = forms.BooleanField(required=False, label="Allow credentials from these origins")

    def initial_of(self, api: Api) -> dict[str, Any]:
        """CORS, flat."""
        return {
            "transports": api.transports,
            "cors_enabled": api.cors.get("enabled", True),
            "origins": ", ".join(api.cors.get("origins", ["*"])),
            "credentials": api.cors.get("credentials", False),
        }

    def keywords(self) -> dict[str, Any]:
        """CORS as the action takes it; its methods and headers stay as they are."""
        data = self.cleaned_data
        origins = [origin.strip() for origin in data["origins"].split(",") if origin.strip()] or ["*"]
        cors = self.api.cors | {"enabled": data["cors_enabled"], "origins": origins, "credentials": data["credentials"]}
        return {"transports": data["transports"], "cors": cors}


class Plans(Part):
    """Business plans and the limit of the whole API."""

    plans = forms.MultipleChoiceField(
        required=False,
        label="Business plans",
        help_text="Subscribers choose one of these. An API needs at least one to be published.",
        widget=forms.CheckboxSelectMultiple,
    )
    subscription_availability = forms.ChoiceField(
        required=False,
        label="Who may subscribe",
        choices=Availability.choices,
        help_text="Applications of other organisations find the API when its visibility is Everybody.",
    )
    subscription_tenants = forms.CharField(
        required=False,
        label="Named organisations",
        help_text="Their domains, by comma; only for the choice of some organisations.",
    )
    policy = forms.ChoiceField(
        required=False,
        label="Limit of the whole API",
        help_text="Counts the calls of everybody together. When set, the operations' own limits are not looked at.",
    )
    production = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=throughput.MOST,
        label="Calls a second to the production backend",
        help_text="More are answered 503, whoever calls. Empty: as many as come.",
    )
    sandbox = forms.IntegerField(
        required=False, min_value=1, max_value=throughput.MOST, label="Calls a second to the sandbox backend"
    )

    def initial_of(self, api: Api) -> dict[str, Any]:
        """The chosen ones."""
        most = throughput.shown(api)["maxTps"] or {}
        return {
            "plans": [plan.name for plan in api.plans.all()],
            "subscription_availability": api.subscription_availability,
            "subscription_tenants": ", ".join(api.subscription_tenants),
            "policy": api.policy,
            **most,
        }

    def keywords(self) -> dict[str, Any]:
        """The two throughputs as one."""
        data = self.cleaned_data
        amounts = {side: data[side] for side in throughput.SIDES}
        open_to = {}
        if data["subscription_availability"]:
            named = [part.strip() for part in data["subscription_tenants"].split(",") if part.strip()]
            choice = data["subscription_availability"]
            some = choice == Availability.SPECIFIC_TENANTS
            open_to = {"subscription_availability": choice, "subscription_tenants": named if some else []}
        return {
            "plans": data["plans"],
            "policy": data["policy"],
            "throughput": throughput.limits(amounts),
            **open_to,
        }

    def prepare(self) -> None:
        """The organisation's policies."""
        organisation = self.api.organisation
        self.fields["plans"].choices = [
            (plan.name, f"{plan.display_name or plan.name} – {plan.description}" if plan.description else plan.name)
            for plan in plans(organisation)
        ]
        limits = [(row.name, row.display_name or row.name) for row in policies(organisation, Level.API)]
        self.fields["policy"].choices = [("", "None – each operation has its own"), *limits]
