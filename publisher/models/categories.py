"""Categories that people sort APIs by; administrators name them."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Lower

from apim.accounts.models import Organisation


class ApiCategory(models.Model):
    """A heading of the portal's catalogue. Names are unique in an organisation, whatever their case."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="api_categories")
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=1024, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name = "API category"
        verbose_name_plural = "API categories"
        constraints = [models.UniqueConstraint("organisation", Lower("name"), name="category_unique_name")]

    def __str__(self) -> str:
        return self.name
