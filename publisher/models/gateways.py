"""Where APIs run: gateway environments and host names of organisations."""

from __future__ import annotations

import uuid

from django.core.validators import RegexValidator
from django.db import models

from apim.accounts.models import Organisation, User


class EnvironmentPermission(models.TextChoices):
    """Whom an environment is open to."""

    PUBLIC = "PUBLIC", "Everybody who deploys"
    ALLOW = "ALLOW", "Only these roles"
    DENY = "DENY", "All but these roles"


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
    provider = models.CharField(max_length=60, default="wso2")
    gateway_type = models.CharField(max_length=60, default="Regular")
    endpoint_uris = models.JSONField(default=list, blank=True, help_text="A list of protocol and endpointURI.")
    additional_properties = models.JSONField(default=list, blank=True, help_text="A list of key and value.")
    permission = models.CharField(
        max_length=6, choices=EnvironmentPermission.choices, default=EnvironmentPermission.PUBLIC
    )
    roles = models.JSONField(default=list, blank=True, help_text="The roles that the permission is about.")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="environment_unique_name")]

    def __str__(self) -> str:
        return self.display_name or self.name

    def open_to(self, user: User) -> bool:
        """Whether `user` may see it and deploy to it. Administrators may; DENY shuts out those roles, ALLOW all others."""
        if self.permission == EnvironmentPermission.PUBLIC or user.has_role():
            return True
        return user.has_role(*self.roles) == (self.permission == EnvironmentPermission.ALLOW)


class Domain(models.Model):
    """A host name of an organisation's own: its calls reach the organisation's APIs without the tenant prefix."""

    host = models.CharField(max_length=250, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="gateway_domains")

    class Meta:
        ordering = ["host"]
        verbose_name = "gateway domain"

    def __str__(self) -> str:
        return self.host
