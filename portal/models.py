"""Consumption: applications, their OAuth keys, who shares them, their subscriptions to APIs, and ratings of APIs."""

from __future__ import annotations

import uuid

from django.db import models

from apim.accounts.models import Organisation, User
from apim.keymanager.models import KeyManager, OAuthClient
from apim.traffic.models import UNLIMITED
from publisher.models import Api


class KeyType(models.TextChoices):
    """Which endpoint of an API a key reaches."""

    PRODUCTION = "PRODUCTION", "Production"
    SANDBOX = "SANDBOX", "Sandbox"


class KeyMode(models.TextChoices):
    """Where a key's OAuth client comes from: made for the application, or an existing one tied to it."""

    CREATED = "CREATED", "Generated"
    MAPPED = "MAPPED", "Mapped"


class SharingGroup(models.Model):
    """Developers who work together: an application shared with the group is open to all its members."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="sharing_groups")
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=250, blank=True)
    members = models.ManyToManyField(User, blank=True, related_name="sharing_groups")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="sharing_group_unique_name")]

    def __str__(self) -> str:
        return self.name


class ApplicationAttribute(models.Model):
    """A field that the organisation's administrators want to know of every application."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="application_attributes")
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=250, blank=True)
    tooltip = models.CharField(max_length=250, blank=True)
    required = models.BooleanField(default=False)
    hidden = models.BooleanField(default=False, help_text="Pages do not ask for it; REST clients may give it.")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "name"]
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="attribute_unique_name")]

    def __str__(self) -> str:
        return self.name


class KeyState(models.TextChoices):
    """Where the registration of a key stands. Only an approved key has a client."""

    CREATED = "CREATED", "Waiting for approval"
    APPROVED = "APPROVED", "Approved"
    REJECTED = "REJECTED", "Rejected"


class ApplicationStatus(models.TextChoices):
    """Where an application stands. Gateways know those that are approved, or wait to be deleted."""

    CREATED = "CREATED", "Waiting for approval"
    APPROVED = "APPROVED", "Approved"
    REJECTED = "REJECTED", "Rejected"
    DELETE_PENDING = "DELETE_PENDING", "Deletion pending"


class Application(models.Model):
    """A developer's program, which subscribes to APIs and holds keys."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="applications")
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="applications")
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=512, blank=True)
    policy = models.CharField(max_length=60, default=UNLIMITED)
    token_type = models.CharField(max_length=6, default="JWT")
    attributes = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=16, choices=ApplicationStatus.choices, default=ApplicationStatus.APPROVED)
    groups = models.ManyToManyField(SharingGroup, blank=True, related_name="applications")
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="application_unique_name_of_owner")]

    def __str__(self) -> str:
        return self.name


class ApplicationKey(models.Model):
    """The OAuth client that an application uses at one key manager for one key type.

    Nothing it refers to can be deleted under it: gateways are told of a key's end by the action alone.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="keys")
    key_manager = models.ForeignKey(KeyManager, on_delete=models.PROTECT, related_name="application_keys")
    key_type = models.CharField(max_length=12, choices=KeyType.choices, default=KeyType.PRODUCTION)
    client = models.OneToOneField(
        OAuthClient, null=True, blank=True, on_delete=models.PROTECT, related_name="application_key"
    )
    consumer_key = models.CharField(max_length=100, db_index=True)
    mode = models.CharField(max_length=8, choices=KeyMode.choices, default=KeyMode.CREATED)
    state = models.CharField(max_length=10, choices=KeyState.choices, default=KeyState.APPROVED)
    request = models.JSONField(
        default=dict, blank=True, editable=False, help_text="What was asked for, until approved."
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["key_type"]
        constraints = [
            models.UniqueConstraint(fields=["application", "key_manager", "key_type"], name="key_unique_in_application")
        ]

    def __str__(self) -> str:
        return f"{self.application} {self.key_type}"


class ApiKey(models.Model):
    """An API key of an application: what is known of it. The key itself was shown once and is kept nowhere."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="api_keys")
    key_type = models.CharField(max_length=12, choices=KeyType.choices, default=KeyType.PRODUCTION)
    name = models.CharField(max_length=100, blank=True)
    jti = models.CharField(max_length=80, unique=True)
    expires = models.DateTimeField(null=True, blank=True, help_text="Empty: without end.")
    addresses = models.JSONField(default=list, blank=True, help_text="Addresses and ranges it may be used from.")
    referers = models.JSONField(default=list, blank=True, help_text="Pages it may be used from.")
    created = models.DateTimeField()
    last_used = models.DateTimeField(null=True, blank=True, help_text="As gateways tell, some seconds late.")

    class Meta:
        ordering = ["-created"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return self.name or f"API key of {self.created:%Y-%m-%d}"


class SubscriptionState(models.TextChoices):
    """Whether calls pass (values of `gateway.schema.Subscription`)."""

    UNBLOCKED = "UNBLOCKED", "Active"
    BLOCKED = "BLOCKED", "Blocked"
    PROD_ONLY_BLOCKED = "PROD_ONLY_BLOCKED", "Production blocked"
    ON_HOLD = "ON_HOLD", "On hold"
    REJECTED = "REJECTED", "Rejected"
    TIER_UPDATE_PENDING = "TIER_UPDATE_PENDING", "Plan change pending"
    DELETE_PENDING = "DELETE_PENDING", "Deletion pending"


class Subscription(models.Model):
    """An application's right to call an API under a business plan (the name of a subscription policy)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="subscriptions")
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="subscriptions")
    api = models.ForeignKey(Api, on_delete=models.PROTECT, related_name="subscriptions")
    plan = models.CharField(max_length=60)
    requested_plan = models.CharField(max_length=60, blank=True, help_text="Asked for, not approved yet.")
    state = models.CharField(max_length=20, choices=SubscriptionState.choices, default=SubscriptionState.UNBLOCKED)
    state_before = models.CharField(
        max_length=20, blank=True, help_text="What gateways go by while a plan change or the deletion waits."
    )
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created"]
        constraints = [models.UniqueConstraint(fields=["application", "api"], name="subscription_unique")]

    def __str__(self) -> str:
        return f"{self.application} → {self.api}"


class Rating(models.Model):
    """How many stars, one to five, a person gives an API."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="ratings")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="ratings")
    stars = models.PositiveSmallIntegerField()
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-updated"]
        constraints = [
            models.UniqueConstraint(fields=["api", "user"], name="rating_unique_of_user"),
            models.CheckConstraint(condition=models.Q(stars__range=(1, 5)), name="rating_one_to_five"),
        ]

    def __str__(self) -> str:
        return f"{self.user} gives {self.api} {self.stars}"
