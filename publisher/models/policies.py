"""Operation policies: what messages pass through on their way."""

from __future__ import annotations

import uuid

from django.db import models

from apim.accounts.models import Organisation
from publisher.models.apis import Api


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
