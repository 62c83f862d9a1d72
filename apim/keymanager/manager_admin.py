"""The admin site's pages of key managers: presets to begin with, a form for each, and the test of a token."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.decorators import action, display

from apim.accounts.admin_base import OrganisationAdmin
from apim.accounts.models import Organisation
from apim.accounts.queries import sees_every_organisation
from apim.keymanager import connectors, hooks
from apim.keymanager.actions import key_managers
from apim.keymanager.manager_forms import PREFIX, KeyManagerForm, TokenTrialForm, form_for
from apim.keymanager.models import RESIDENT, KeyManager
from apim.keymanager.trial import Trial, try_token

RESIDENT_FIELDS = (
    "organisation",
    "name",
    "display_name",
    "description",
    "issuer",
    "enabled",
    "permission",
    "roles",
    "jwks",
)
RESIDENT_FIXED = ("organisation", "name", "issuer", "jwks")
SWITCHES = ("enable_app_creation", "enable_mapping", "enable_token_generation")


@admin.register(KeyManager)
class KeyManagerAdmin(OrganisationAdmin):
    """Issuers whose tokens the gateways accept."""

    list_display = ("title", "connector", "issuer", "token_type", "state", "organisation")
    list_filter = ("enabled", "token_type", "kind", "organisation")
    search_fields = ("name", "display_name", "issuer")
    list_select_related = ("organisation",)
    form = KeyManagerForm
    calls_elsewhere = True
    actions_list = ("test_token",)

    @display(description="name", ordering="name", header=True)
    def title(self, row: KeyManager) -> tuple[str, str]:
        """Its name for people, and the one that gateways know."""
        return row.label, row.name if row.display_name else row.description

    @display(description="type", ordering="kind")
    def connector(self, row: KeyManager) -> str:
        """Its connector for people."""
        known = connectors.of(row.kind)
        return "This platform" if row.resident else (known.display_name if known else row.kind)

    @display(description="state", ordering="enabled", label={"on": "success", "off": "danger"})
    def state(self, row: KeyManager) -> str:
        """Whether its tokens count."""
        return "on" if row.enabled else "off"

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """First the kinds to choose from, then the form of the chosen one."""
        if request.method == "GET" and "kind" not in request.GET and self.has_add_permission(request):
            context = {**self.admin_site.each_context(request), "title": "Add a key manager", "opts": self.opts}
            return TemplateResponse(request, "keymanager/presets.html", context | {"presets": connectors.ALL})
        return super().add_view(request, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: KeyManager | None = None, **kwargs: Any) -> Any:
        """The form with what the connector asks for."""
        return super().get_form(request, obj, **kwargs | {"form": form_for(_kind(request, obj))})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The connector's own claims and patterns."""
        chosen = connectors.of(_kind(request, None)) or connectors.GENERIC
        return {
            "kind": chosen.type,
            "client_claim": chosen.client_claim,
            "scope_claim": chosen.scope_claim,
            "token_validation": [dict(one) for one in chosen.validation],
        }

    def all_fieldsets(self, request: HttpRequest, obj: KeyManager | None = None) -> Any:
        """In the order people think: what it is, where it is, whose tokens, who may use it."""
        if obj is not None and obj.resident:
            return [(None, {"fields": RESIDENT_FIELDS})]
        chosen = connectors.of(_kind(request, obj)) or connectors.GENERIC
        settings = tuple(PREFIX + one.name for one in chosen.fields)
        discovery = f"Saving fills what is empty below from the well-known endpoint, as {chosen.well_known}"
        return [
            (None, {"fields": ("organisation", ("name", "kind"), ("display_name", "enabled"), "description")}),
            ("Discovery", {"fields": ("well_known_url",), "description": discovery}),
            (f"{chosen.display_name}: registering clients", {"fields": (*settings, "registration_url")}),
            ("Keys", {"fields": ("issuer", "jwks_url", "certificate_pem", "jwks")}),
            (
                "Tokens",
                {
                    "fields": (
                        ("token_type", "alias"), ("client_claim", "scope_claim"), "claim_mapping", "token_validation",
                        "self_validate", "introspection_url", ("introspection_user", "introspection_password"),
                    )
                },
            ),
            ("Who may use it", {"fields": (("permission", "roles"), "grant_types", *SWITCHES)}),
            (
                "Further addresses",
                {
                    "fields": (
                        ("token_url", "display_token_url"), ("revoke_url", "display_revoke_url"),
                        ("authorize_url", "userinfo_url"), "scope_management_url",
                    ),
                    "classes": ("collapse",),
                },
            ),
        ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: KeyManager | None = None) -> tuple[str, ...]:
        """What identifies it stays; the resident one's keys are the platform's."""
        if obj is None:
            return ()
        return RESIDENT_FIXED if obj.resident else ("organisation", "name")

    def has_delete_permission(self, request: HttpRequest, obj: KeyManager | None = None) -> bool:
        """The resident one is the platform itself."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.name != RESIDENT)

    def perform_save(self, request: HttpRequest, obj: KeyManager, form: Any, change: bool) -> None:
        """Write by action."""
        given = form.cleaned_data.get("introspection_password") or None
        settings = None if obj.resident else form.settings()
        key_managers.save_key_manager(by=request.user, manager=obj, introspection_password=given, settings=settings)

    def perform_delete(self, request: HttpRequest, obj: KeyManager) -> None:
        """Delete by action."""
        key_managers.delete_key_manager(by=request.user, manager=obj)

    @action(description="Test a token", url_path="test-token", permissions=["view"], icon="fact_check")
    def test_token(self, request: HttpRequest) -> HttpResponse:
        """Why a token passes or fails, step by step."""
        if not self.has_view_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        form, trial = _tried(request)
        context = {**self.admin_site.each_context(request), "title": "Test a token", "opts": self.opts}
        answer = TemplateResponse(request, "keymanager/token_trial.html", context | {"form": form, "trial": trial})
        answer["Cache-Control"] = "no-store"
        return answer


def _kind(request: HttpRequest, obj: KeyManager | None) -> str:
    if obj is not None:
        return obj.kind
    return str(request.POST.get("kind") or request.GET.get("kind") or connectors.GENERIC.type)


def _tried(request: HttpRequest) -> tuple[TokenTrialForm, Trial | None]:
    """The form to be shown, and what was found out about the token in it."""
    organisation = _organisation(request)
    known = hooks.explainer()
    apis, environments = known[1](organisation) if known else ([], [])
    domains = (
        [(one.domain, str(one)) for one in Organisation.objects.all()[:200]]
        if sees_every_organisation(request.user)
        else []
    )
    offered = {"organisation": domains if len(domains) > 1 else [], "api": apis, "environment": environments}
    if request.method != "POST":
        return TokenTrialForm(choices=offered, initial={"organisation": organisation.domain}), None
    form = TokenTrialForm(request.POST, choices=offered)
    if not form.is_valid():
        return form, None
    given = form.cleaned_data
    trial = try_token(
        organisation, given["token"], known and known[0], given.get("api", ""), given.get("environment", "")
    )
    # The page shows what was chosen, and never the token again.
    again = {name: given.get(name, "") for name in ("organisation", "api", "environment")}
    return TokenTrialForm(choices=offered, initial=again), trial


def _organisation(request: HttpRequest) -> Organisation:
    named = request.POST.get("organisation", "")
    if named and sees_every_organisation(request.user):
        found = Organisation.objects.filter(domain=named.replace("\0", "")).first()
        if found is not None:
            return found
    own: Organisation = request.user.organisation
    return own
