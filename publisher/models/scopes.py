"""Scopes that several APIs share."""

from __future__ import annotations

import uuid

from django.db import models

from apim.accounts.models import Organisation


class SharedScope(models.Model):
    """A scope of the organisation that operations of any of its APIs may ask for.

    `roles` names who gets it; empty means everybody. Scopes that only one API has are in `Api.scope_roles`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="shared_scopes")
    name = models.CharField(max_length=255)
    display_name = models.CharField(max_length=255, blank=True)
    description = models.CharField(max_length=512, blank=True)
    roles = models.JSONField(default=list, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="shared_scope_unique_name")]

    def __str__(self) -> str:
        return self.name
