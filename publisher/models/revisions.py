"""Revisions of an API, and where they are deployed."""

from __future__ import annotations

import uuid

from django.db import models

from publisher.models.apis import Api
from publisher.models.gateways import GatewayEnvironment

MAX_REVISIONS = 5


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
