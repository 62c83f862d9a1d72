"""What one tenant has: one row of everything, each named with MARK, and the values its addresses take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.utils import timezone

from apim.accounts.actions.portal_domains import add_domain
from apim.accounts.actions.roles import create_role, set_roles
from apim.accounts.admin_base import PlatformAdmin
from apim.accounts.models import Organisation, User
from apim.configuration.models import AlertSubscription, BotAlertSubscription, BotSighting, TenantConfiguration, Theme
from apim.configuration.theme import check
from apim.keymanager.models import OAuthClient
from apim.login.models import IdentityProvider, LoginRules, SecondFactor, UserStore
from apim.traffic.models import DenyPolicy, Level, Policy
from apim.workflows.actions.executors import set_executor
from apim.workflows.models import Task
from integrator.models import Integrator
from portal.actions.api_keys import generate_api_key
from portal.models import ApplicationAttribute, SharingGroup
from publisher.models import (
    Api,
    ApiCategory,
    ClientCertificate,
    Comment,
    Document,
    EndpointCertificate,
    EntryPoint,
    ExternalStore,
    GatewayEnvironment,
    Label,
    OperationPolicy,
    SharedScope,
    Visibility,
)
from tests.portal import builders
from tests.publisher.make import make_service
from tests.support.people import make_user

MARK = "VeryPrivate"
"""In every name of the tenant's rows: no other tenant's answer may hold it."""

EVERY_ROLE = ("admin", "Internal/creator", "Internal/publisher", "Internal/subscriber", "Internal/devops")


@dataclass
class Holdings:
    """The tenant, its administrator, and rows by the name of the address's placeholder."""

    organisation: Organisation
    owner: User
    values: dict[str, str] = field(default_factory=dict)
    rows: list[Model] = field(default_factory=list)

    def keep(self, name: str, row: Model, value: object = None) -> Model:
        """Note `row` and what the placeholder `name` takes for it."""
        self.values[name] = str(row.pk if value is None else value)
        self.rows.append(row)
        return row

    def state(self) -> list[dict[str, Any] | None]:
        """The rows as they are stored; None for one that is gone."""
        return [type(row)._default_manager.filter(pk=row.pk).values().first() for row in self.rows]


def administrator(organisation: Organisation) -> User:
    """Somebody with every role there."""
    return set_roles(by=None, user=make_user(organisation), roles=EVERY_ROLE)


def holdings(organisation: Organisation) -> Holdings:
    """One of everything."""
    owner = administrator(organisation)
    held = Holdings(organisation, owner)
    _design(held)
    _consumption(held)
    _rest(held)
    held.values |= {
        "level": "subscription",
        "name": f"{MARK}Plan",
        "key_type": "PRODUCTION",
        "language": "python",
        "deployment_id": "Default",
        "environment": "Default",
        "role_id": "SW50ZXJuYWwvY3JlYXRvcg==",
        "scope_name": "apim:api_view",
        "tenant": organisation.domain,
        "tenant_domain": organisation.domain,
        "domain": organisation.domain,
        "username": owner.username,
        "rest": "api-artifacts",
        "rule_id": "00000000-0000-4000-8000-000000000000",
        "url": "nowhere",
        "app_label": "publisher",
        "content_type_id": "1",
    }
    return held


def _design(held: Holdings) -> None:
    organisation, owner = held.organisation, held.owner
    private = {"provider": owner, "visibility": Visibility.PRIVATE, "tags": [f"{MARK}Tag"]}
    plan = Policy.objects.create(organisation=organisation, level=Level.SUBSCRIPTION, name=f"{MARK}Plan", amount=5)
    api = builders.make_api(organisation, f"{MARK}Api", plans=["Gold", plan.name], **private)
    held.keep("api_id", api)
    held.rows.append(plan)
    held.keep("revision_id", api.revisions.get())
    held.keep("product_id", Api.objects.create(
        organisation=organisation, name=f"{MARK}Product", version="1", context="/product", kind="PRODUCT", **private
    ))  # fmt: skip
    written = {"created_by": owner.username, "updated_by": owner.username}
    held.keep("document_id", Document.objects.create(api=api, name=f"{MARK}Document", summary=MARK, **written))
    held.keep("comment_id", Comment.objects.create(
        api=api, author=owner, author_name=owner.username, text=MARK, entry_point=EntryPoint.PUBLISHER
    ))  # fmt: skip
    dates = {"not_before": timezone.now(), "not_after": timezone.now(), "pem": MARK, "subject": MARK}
    held.keep("client_certificate", ClientCertificate.objects.create(
        api=api, alias=f"{MARK}Caller", thumbprint="1", version="3", **dates
    ))  # fmt: skip
    held.keep("endpoint_certificate", EndpointCertificate.objects.create(
        organisation=organisation, alias=f"{MARK}Backend", endpoint="https://x.example", serial="1", **dates
    ))  # fmt: skip
    spec = {"name": MARK, "displayName": MARK, "version": "v1", "supportedGateways": [], "applicableFlows": ["request"]}
    for name, of in (("common_policy", None), ("own_policy", api)):
        held.keep(name, OperationPolicy.objects.create(
            organisation=organisation, api=of, name=f"{MARK}Policy", specification=spec, definition=MARK
        ))  # fmt: skip
    held.keep("environment_id", GatewayEnvironment.objects.create(
        organisation=organisation, name=f"{MARK}Gateways", display_name=MARK, http_url="http://g.example",
        https_url="https://g.example",
    ))  # fmt: skip
    held.keep("category_id", ApiCategory.objects.create(organisation=organisation, name=f"{MARK}Category"))
    held.keep("scope_id", SharedScope.objects.create(organisation=organisation, name=f"{MARK}Scope"))
    held.keep("service_id", make_service(organisation, "openapi: 3.0.0", name=f"{MARK}Service"))


def _consumption(held: Holdings) -> None:
    owner = held.owner
    application = builders.make_application(owner, f"{MARK}App")
    held.keep("application_id", application)
    held.keep("oauth_key", builders.make_key(application))
    key, _ = generate_api_key(by=owner, application=application, key_type="PRODUCTION", name=f"{MARK}Key")
    held.keep("api_key", key)
    api = Api.objects.get(pk=held.values["api_id"])
    held.keep("subscription_id", builders.make_subscription(application, api))
    client = OAuthClient.objects.get(organisation=held.organisation)
    held.keep("client", client, "00000000-0000-4000-8000-000000000000")
    held.values["client_id"] = client.client_id
    SharingGroup.objects.create(organisation=held.organisation, name=f"{MARK}Group")
    ApplicationAttribute.objects.create(organisation=held.organisation, name=f"{MARK}Attribute")


def _rest(held: Holdings) -> None:
    organisation, owner = held.organisation, held.owner
    set_executor(by=owner, organisation=organisation, kind="APPLICATION_CREATION", style="APPROVAL", notify="")
    builders.make_application(owner, f"{MARK}Waits")
    held.keep("reference", Task.objects.get(organisation=organisation))
    create_role(by=owner, organisation=organisation, name=f"{MARK}Role")
    add_domain(by=owner, organisation=organisation, host="very-private.example")
    held.keep("condition_id", DenyPolicy.objects.create(organisation=organisation, kind="USER", value=MARK))
    held.keep("uuid", BotAlertSubscription.objects.create(organisation=organisation, email=f"{MARK}@example.org"))
    held.keep("key_manager_id", organisation.key_managers.get())
    TenantConfiguration.objects.create(organisation=organisation, content={"Note": MARK})
    Theme.objects.create(organisation=organisation, description=check({}).as_dict())
    AlertSubscription.objects.create(organisation=organisation, user=owner, emails=[f"{MARK}@example.org"])
    BotSighting.objects.create(
        organisation=organisation, at=timezone.now(), path=f"/{MARK}", method="GET", client="1.2.3.4"
    )
    held.keep("label_id", Label.objects.create(organisation=organisation, name=f"{MARK}Label"))
    ExternalStore.objects.create(
        organisation=organisation, name=f"{MARK}Store", display_name=MARK, endpoint="https://s.example", username=MARK
    )
    held.values["advanced_policy"] = str(Policy.objects.get(organisation=organisation, name=f"{MARK}Plan").pk)
    from apim.keymanager.models import TokenPolicy, TrustedIssuer

    TokenPolicy.objects.get_or_create(organisation=organisation)
    TrustedIssuer.objects.create(organisation=organisation, name=f"{MARK}Issuer", issuer=f"https://{MARK}.example")
    LoginRules.objects.create(organisation=organisation)
    UserStore.objects.create(
        organisation=organisation, name=f"{MARK}Store", address="ldaps://d.example", base_dn="dc=d"
    )
    SecondFactor.objects.create(user=make_user(organisation, username=f"{MARK}Person"), sealed_secret=MARK)
    held.keep("provider", IdentityProvider.objects.create(
        organisation=organisation, name="Theirs", issuer=f"https://{MARK}.example", client_id=MARK
    ))  # fmt: skip
    # an integrator is the platform's: no organisation's administrator sees it, not even this one's
    held.keep("node", Integrator.objects.create(name=f"{MARK}Node", url="http://127.0.0.1:9"))
    held.values["provider"] = str(organisation.identity_providers.get().uuid)


def admin_row(held: Holdings, model: type[Model]) -> str | None:
    """The id of the tenant's row of `model` for the admin site; any for rows of the platform; None when it has none."""
    site = admin.site._registry[model]
    if isinstance(site, PlatformAdmin):
        return "1"
    if model is Organisation:
        return str(held.organisation.pk)
    found = model._default_manager.filter(**{site.organisation_path: held.organisation})
    marked = next((row for row in found if MARK in str(row)), None) or found.first()
    return None if marked is None else str(marked.pk)
