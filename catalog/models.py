"""Integration services that APIs are made from (reference A6)."""

from __future__ import annotations

import uuid

from django.db import models

from apim.accounts.models import Organisation


class DefinitionType(models.TextChoices):
    """Kind of the service's definition document."""

    OAS2 = "OAS2", "OpenAPI 2"
    OAS3 = "OAS3", "OpenAPI 3"
    WSDL1 = "WSDL1", "WSDL 1.1"
    WSDL2 = "WSDL2", "WSDL 2.0"
    GRAPHQL_SDL = "GRAPHQL_SDL", "GraphQL SDL"
    ASYNC_API = "ASYNC_API", "AsyncAPI"


class SecurityType(models.TextChoices):
    """How the service wants to be called."""

    BASIC = "BASIC", "Basic"
    DIGEST = "DIGEST", "Digest"
    OAUTH2 = "OAUTH2", "OAuth 2"
    X509 = "X509", "X.509"
    API_KEY = "API_KEY", "API key"
    NONE = "NONE", "None"


class Service(models.Model):
    """A registered service. `key` is the integrator's own identifier; `md5` tells whether it changed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="services")
    key = models.CharField(max_length=512)
    name = models.CharField(max_length=255)
    display_name = models.CharField(max_length=255, blank=True)
    version = models.CharField(max_length=60)
    description = models.TextField(blank=True)
    url = models.URLField(max_length=2000)
    definition_type = models.CharField(max_length=12, choices=DefinitionType.choices, default=DefinitionType.OAS3)
    security_type = models.CharField(max_length=10, choices=SecurityType.choices, default=SecurityType.NONE)
    mutual_ssl = models.BooleanField(default=False)
    definition = models.TextField()
    md5 = models.CharField(max_length=100)
    created_by = models.CharField(max_length=254, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    updated_by = models.CharField(max_length=254, blank=True)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "key"], name="service_unique_key"),
            models.UniqueConstraint(fields=["organisation", "name", "version"], name="service_unique_name_version"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"
