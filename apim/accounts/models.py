"""Organisations (tenants), their users and roles, and the audit trail of every write."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models

SUPER_TENANT = "carbon.super"
"""Domain of the first organisation: its users log in and its APIs are reached without a tenant prefix."""

DOMAIN = RegexValidator(r"^[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?$", "Use lower-case letters, digits, dots and dashes.")


class BuiltinRole(models.TextChoices):
    """Roles every organisation has from the start (reference A8)."""

    ADMIN = "admin", "Administrator"
    CREATOR = "Internal/creator", "API creator"
    PUBLISHER = "Internal/publisher", "API publisher"
    SUBSCRIBER = "Internal/subscriber", "App developer"
    DEVOPS = "Internal/devops", "DevOps"
    ANALYTICS = "Internal/analytics", "Analytics"
    INTEGRATION_DEV = "Internal/integration_dev", "Integration developer"


class Organisation(models.Model):
    """A tenant. Every row of the platform belongs to one, and none ever sees another's."""

    domain = models.CharField(max_length=254, unique=True, validators=[DOMAIN])
    display_name = models.CharField(max_length=120)
    active = models.BooleanField(default=True)
    self_signup = models.BooleanField(default=True, help_text="People may create portal accounts themselves.")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["domain"]

    def __str__(self) -> str:
        return self.domain

    @property
    def is_super(self) -> bool:
        """Whether this is the first organisation, which needs no tenant prefix."""
        return self.domain == SUPER_TENANT

    @property
    def prefix(self) -> str:
        """URL prefix of its pages and API contexts: empty, or `/t/<domain>`."""
        return "" if self.is_super else f"/t/{self.domain}"


class PortalDomain(models.Model):
    """A host name under which an organisation's pages answer without `/t/<domain>`, once it has been shown to be theirs."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="portal_domains")
    host = models.CharField(max_length=250, validators=[DOMAIN])
    token = models.CharField(max_length=64, editable=False)
    verified = models.DateTimeField(null=True, blank=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["host"]
        verbose_name = "portal domain"
        constraints = [
            models.UniqueConstraint(fields=["organisation", "host"], name="portal_domain_unique_in_organisation"),
            models.UniqueConstraint(
                fields=["host"], condition=models.Q(verified__isnull=False), name="portal_domain_verified_once"
            ),
        ]

    def __str__(self) -> str:
        return self.host


class Role(models.Model):
    """A named set of users of one organisation; visibility and scopes refer to it by name."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="roles")
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=250, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="role_unique_in_organisation")]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person. `username` is unique in the platform: `alice` in the first organisation, `alice@acme.com` elsewhere."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="users")
    roles = models.ManyToManyField(Role, blank=True, related_name="users")
    email = models.EmailField(blank=True)

    REQUIRED_FIELDS = ["email"]

    class Meta:
        ordering = ["username"]

    def __str__(self) -> str:
        return self.username

    @property
    def role_names(self) -> frozenset[str]:
        """Names of the user's roles; read once per instance."""
        if not hasattr(self, "_role_names"):
            self._role_names = frozenset(self.roles.values_list("name", flat=True))
        return self._role_names

    def has_role(self, *names: str) -> bool:
        """Whether the user has one of these roles. Administrators have all."""
        return self.is_superuser or BuiltinRole.ADMIN in self.role_names or not self.role_names.isdisjoint(names)


class AuditRow(models.Model):
    """Who did what to what, with the values before and after. Never changed, never deleted by the product."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="audit_rows")
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.CharField(max_length=254)
    action = models.CharField(max_length=80, db_index=True)
    target_kind = models.CharField(max_length=60)
    target_id = models.CharField(max_length=80)
    target_name = models.CharField(max_length=250)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    correlation_id = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.target_name}"
