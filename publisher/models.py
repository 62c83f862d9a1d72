"""APIs from design to deployment: the API, its operations, revisions, gateway environments and life-cycle history."""

from __future__ import annotations

import uuid

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower

from apim.accounts.models import Organisation, User
from apim.traffic.models import UNLIMITED, Policy
from catalog.models import Service

API_NAME = RegexValidator(
    r"^[^~!@#;:%^*()+={}|\\<>\"',&$\[\]/\s][^~!@#;:%^*()+={}|\\<>\"',&$\[\]/]*$", "No special characters."
)
API_VERSION = RegexValidator(
    r"^[A-Za-z0-9._-]{1,30}$", "Use letters, digits, dots, dashes and underscores; 30 at most."
)
CONTEXT = RegexValidator(r"^/[A-Za-z0-9._~{}/-]{0,200}$", "Begin with a slash; letters, digits and . _ ~ - / only.")
MAX_REVISIONS = 5


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
    definition = models.TextField(blank=True)
    service = models.ForeignKey(Service, null=True, blank=True, on_delete=models.SET_NULL, related_name="apis")
    service_md5 = models.CharField(max_length=100, blank=True)
    audiences = models.JSONField(default=list, blank=True, help_text="Accepted `aud` values; empty: any.")
    key_managers = models.JSONField(default=list, blank=True, help_text="Names of accepted key managers; empty: all.")
    api_key_header = models.CharField(max_length=100, default="apikey")
    scope_roles = models.JSONField(default=dict, blank=True, help_text="Scope → names of the roles that have it.")
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
    source = models.ForeignKey(
        Api, null=True, blank=True, on_delete=models.PROTECT, related_name="in_products", help_text="API products only."
    )

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["api", "verb", "target"], name="operation_unique_in_api")]

    def __str__(self) -> str:
        return f"{self.verb} {self.target}"


class OperationPolicy(models.Model):
    """A policy that operations may use: common to the organisation, or of one API.

    `specification` has the contract's form (publisher.policies.specification). `definition` is Synapse text, `cc_definition`
    that of Choreo Connect; both are empty for those that ship with the product, which gateways know by name.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="operation_policies")
    api = models.ForeignKey(Api, null=True, blank=True, on_delete=models.CASCADE, related_name="own_policies")
    name = models.CharField(max_length=100)
    version = models.CharField(max_length=20, default="v1")
    specification = models.JSONField()
    definition = models.TextField(blank=True)
    cc_definition = models.TextField(blank=True)
    shipped = models.BooleanField(default=False, editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "version"]
        verbose_name_plural = "operation policies"
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "name", "version"], condition=models.Q(api=None), name="policy_unique_common"
            ),
            models.UniqueConstraint(
                fields=["api", "name", "version"], condition=models.Q(api__isnull=False), name="policy_unique_in_api"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.specification.get('displayName') or self.name} {self.version}"


class GatewayEnvironment(models.Model):
    """A set of gateways that run the same revisions, with the addresses consumers use."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="gateway_environments")
    name = models.CharField(max_length=60, validators=[RegexValidator(r"^[A-Za-z0-9_-]{1,60}$")])
    display_name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=12, default="hybrid")
    http_url = models.URLField(max_length=500)
    https_url = models.URLField(max_length=500)
    vhosts = models.JSONField(default=list, blank=True, help_text="Virtual hosts: a list of host, ports and contexts.")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="environment_unique_name")]

    def __str__(self) -> str:
        return self.display_name or self.name


class Domain(models.Model):
    """A host name of an organisation's own: its calls reach the organisation's APIs without the tenant prefix."""

    host = models.CharField(max_length=250, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="gateway_domains")

    class Meta:
        ordering = ["host"]
        verbose_name = "gateway domain"

    def __str__(self) -> str:
        return self.host


class EndpointCertificate(models.Model):
    """A certificate that gateways trust for backends at one host. `endpoint`: an address, or only a host."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="endpoint_certificates")
    alias = models.CharField(max_length=30, validators=[RegexValidator(r"^[A-Za-z0-9._-]{1,30}$")])
    endpoint = models.CharField(max_length=500)
    pem = models.TextField(editable=False)
    subject = models.CharField(max_length=500, editable=False)
    serial = models.CharField(max_length=60, editable=False)
    not_before = models.DateTimeField(editable=False)
    not_after = models.DateTimeField(editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["alias"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "alias"], name="endpoint_certificate_unique_alias")
        ]

    def __str__(self) -> str:
        return self.alias


class ClientCertificate(models.Model):
    """A certificate with which callers of an API may show themselves (mutual TLS). `tier` names a subscription policy."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="client_certificates")
    alias = models.CharField(max_length=30, validators=[RegexValidator(r"^[A-Za-z0-9._-]{1,30}$")])
    key_type = models.CharField(max_length=12, default="PRODUCTION")
    tier = models.CharField(max_length=60, default=UNLIMITED)
    pem = models.TextField(editable=False)
    thumbprint = models.CharField(max_length=64, editable=False)
    subject = models.CharField(max_length=500, editable=False)
    version = models.CharField(max_length=4, editable=False)
    not_before = models.DateTimeField(editable=False)
    not_after = models.DateTimeField(editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["alias"]
        constraints = [
            models.UniqueConstraint(fields=["api", "alias"], name="client_certificate_unique_alias"),
            models.UniqueConstraint(fields=["api", "thumbprint"], name="client_certificate_unique_thumbprint"),
        ]

    def __str__(self) -> str:
        return self.alias


class Revision(models.Model):
    """An immutable snapshot of an API; at most five exist at a time. Numbers are never used again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    description = models.CharField(max_length=250, blank=True)
    snapshot = models.JSONField()
    created_by = models.CharField(max_length=254)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["api", "number"], name="revision_unique_number")]

    def __str__(self) -> str:
        return f"{self.api} revision {self.number}"


class Deployment(models.Model):
    """A revision that runs in an environment; one revision of an API per environment."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="deployments")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="deployments")
    environment = models.ForeignKey(GatewayEnvironment, on_delete=models.PROTECT, related_name="deployments")
    vhost = models.CharField(max_length=250, default="localhost")
    displayed = models.BooleanField(default=True)
    deployed = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["environment__name"]
        constraints = [models.UniqueConstraint(fields=["api", "environment"], name="deployment_unique_api_environment")]

    def __str__(self) -> str:
        return f"{self.revision} in {self.environment}"


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
