"""An API as designed, and its operations."""

from __future__ import annotations

import uuid

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower

from apim.accounts.models import Organisation, User
from apim.traffic.models import UNLIMITED, Policy
from catalog.models import Service
from publisher.models.categories import ApiCategory
from publisher.models.scopes import SharedScope

API_NAME = RegexValidator(
    r"^[^~!@#;:%^*()+={}|\\<>\"',&$\[\]/\s][^~!@#;:%^*()+={}|\\<>\"',&$\[\]/]*$", "No special characters."
)
API_VERSION = RegexValidator(
    r"^[A-Za-z0-9._-]{1,30}$", "Use letters, digits, dots, dashes and underscores; 30 at most."
)
CONTEXT = RegexValidator(r"^/[A-Za-z0-9._~{}/-]{0,200}$", "Begin with a slash; letters, digits and . _ ~ - / only.")


class State(models.TextChoices):
    """The six states of the life cycle (reference A2)."""

    CREATED = "CREATED", "Created"
    PROTOTYPED = "PROTOTYPED", "Pre-released"
    PUBLISHED = "PUBLISHED", "Published"
    BLOCKED = "BLOCKED", "Blocked"
    DEPRECATED = "DEPRECATED", "Deprecated"
    RETIRED = "RETIRED", "Retired"


class Visibility(models.TextChoices):
    """Who finds the API in the portal."""

    PUBLIC = "PUBLIC", "Everybody"
    PRIVATE = "PRIVATE", "This organisation"
    RESTRICTED = "RESTRICTED", "Some roles"


class Availability(models.TextChoices):
    """Whose applications may subscribe."""

    CURRENT_TENANT = "CURRENT_TENANT", "This organisation's"
    ALL_TENANTS = "ALL_TENANTS", "Everybody's"
    SPECIFIC_TENANTS = "SPECIFIC_TENANTS", "Those of some organisations"


class Api(models.Model):
    """An API as designed. What gateways run is a `Revision` of it.

    `context` has neither tenant nor version (`/pizza`), or holds `{version}` where the version belongs.
    `endpoints` is `{"production": …, "sandbox": …}`, each as `gateway.schema.Endpoint` in plain data with sealed secrets.
    `definition` is the OpenAPI text as given.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="apis")
    name = models.CharField(max_length=150, validators=[API_NAME])
    version = models.CharField(max_length=30, validators=[API_VERSION])
    context = models.CharField(max_length=200, validators=[CONTEXT])
    description = models.TextField(blank=True, max_length=20000)
    kind = models.CharField(max_length=12, default="HTTP")
    provider = models.ForeignKey(User, on_delete=models.PROTECT, related_name="apis")
    state = models.CharField(max_length=12, choices=State.choices, default=State.CREATED, db_index=True)
    is_default_version = models.BooleanField(default=False)
    visibility = models.CharField(max_length=12, choices=Visibility.choices, default=Visibility.PUBLIC)
    visible_roles = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, blank=True)
    endpoints = models.JSONField(default=dict, blank=True)
    transports = models.JSONField(default=list, blank=True)
    security = models.JSONField(default=list, blank=True)
    authorization_header = models.CharField(max_length=100, default="Authorization")
    cors = models.JSONField(default=dict, blank=True, help_text="Fields of gateway.schema.Cors; empty: the defaults.")
    policy = models.CharField(max_length=60, blank=True, help_text="API-level policy; empty: each operation its own.")
    plans = models.ManyToManyField(Policy, blank=True, related_name="apis")
    categories = models.ManyToManyField(ApiCategory, blank=True, related_name="apis")
    definition = models.TextField(blank=True)
    service = models.ForeignKey(Service, null=True, blank=True, on_delete=models.SET_NULL, related_name="apis")
    service_md5 = models.CharField(max_length=100, blank=True)
    audiences = models.JSONField(default=list, blank=True, help_text="Accepted `aud` values; empty: any.")
    key_managers = models.JSONField(default=list, blank=True, help_text="Names of accepted key managers; empty: all.")
    api_key_header = models.CharField(max_length=100, default="apikey")
    scope_roles = models.JSONField(default=dict, blank=True, help_text="Scope → names of the roles that have it.")
    scope_texts = models.JSONField(default=dict, blank=True, help_text="Scope → its display_name and description.")
    shared_scopes = models.ManyToManyField(
        SharedScope, blank=True, editable=False, related_name="apis", help_text="Those that its operations ask for."
    )
    flows = models.JSONField(default=dict, blank=True, help_text="Policies of the whole API: gateway.schema.Flows.")
    validate_schema = models.BooleanField(default=False)
    cache_seconds = models.PositiveIntegerField(default=0, help_text="Response caching; 0: off.")
    throughput = models.JSONField(default=dict, blank=True, help_text="gateway.schema.BackendThroughput.")
    complexities = models.JSONField(default=list, blank=True, help_text="GraphQL: a list of type, field, value.")
    wsdl = models.TextField(blank=True, help_text="SOAP: the WSDL, or its files as JSON (publisher.wsdl.bundle).")
    resource_policies = models.JSONField(
        default=list, blank=True, help_text="REST from SOAP: a list of id, verb, target, direction, content."
    )
    gateway_options = models.JSONField(
        default=dict, blank=True, help_text="What one kind of API needs besides: gateway.schema.Api.properties."
    )
    log_level = models.CharField(
        max_length=10, default="OFF", editable=False, help_text="How much gateways log of its calls now."
    )
    last_revision = models.PositiveIntegerField(
        default=0, editable=False, help_text="Highest revision number given out."
    )
    business_owner = models.CharField(max_length=120, blank=True)
    business_owner_email = models.EmailField(blank=True)
    technical_owner = models.CharField(max_length=120, blank=True)
    technical_owner_email = models.EmailField(blank=True)
    additional_properties = models.JSONField(default=list, blank=True)
    monetization = models.JSONField(
        default=dict, blank=True, help_text="Empty: never monetized; else `enabled` and `properties`."
    )
    thumbnail_type = models.CharField(max_length=40, blank=True, editable=False, help_text="Empty: no picture.")
    display_name = models.CharField(max_length=250, blank=True, help_text="What people read; empty: the name.")
    access_roles = models.JSONField(
        default=list, blank=True, help_text="Roles that see it in the publisher; empty: all of the publisher's."
    )
    subscription_availability = models.CharField(
        max_length=20, choices=Availability.choices, default=Availability.CURRENT_TENANT
    )
    subscription_tenants = models.JSONField(
        default=list, blank=True, help_text="Domains of the organisations, where the availability is SPECIFIC_TENANTS."
    )
    advertise = models.JSONField(
        default=dict, blank=True, help_text="Where an API of elsewhere, that is only shown here, is served."
    )
    contract_fields = models.JSONField(
        default=dict, blank=True, help_text="Fields of the REST contract that nothing here reads, kept for its clients."
    )
    environment_properties = models.JSONField(
        default=dict, blank=True, help_text="Environment id → name → value, set by clients of the REST contract."
    )
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    published = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "version"]
        verbose_name = "API"
        constraints = [
            models.UniqueConstraint("organisation", Lower("name"), "version", name="api_unique_name_version"),
            models.UniqueConstraint(fields=["organisation", "context", "version"], name="api_unique_context_version"),
        ]
        # Definitions lie in the middle of the rows: without it a list reads all of them only to sort.
        indexes = [models.Index(fields=["organisation", "created"], name="api_by_age")]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Operation(models.Model):
    """One verb on one URI template. `auth` uses the values of `gateway.schema.Operation`."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="operations")
    position = models.PositiveIntegerField(default=0)
    verb = models.CharField(max_length=20)
    target = models.CharField(max_length=500)
    auth = models.CharField(max_length=12, default="any")
    scopes = models.JSONField(default=list, blank=True)
    policy = models.CharField(max_length=60, default=UNLIMITED)
    flows = models.JSONField(default=dict, blank=True, help_text="Policies of this operation: gateway.schema.Flows.")
    contract_fields = models.JSONField(
        default=dict, blank=True, help_text="Fields of the REST contract that nothing here reads, kept for its clients."
    )
    source = models.ForeignKey(
        Api, null=True, blank=True, on_delete=models.PROTECT, related_name="in_products", help_text="API products only."
    )

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["api", "verb", "target"], name="operation_unique_in_api")]

    def __str__(self) -> str:
        return f"{self.verb} {self.target}"


class LifecycleEvent(models.Model):
    """One step of an API through its life cycle."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="lifecycle_events")
    before = models.CharField(max_length=12, blank=True)
    after = models.CharField(max_length=12)
    user = models.CharField(max_length=254)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"
