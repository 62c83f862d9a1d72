"""Labels of gateways, which older clients of the admin contract keep addresses under."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Lower

from apim.accounts.models import Organisation


class Label(models.Model):
    """A name with addresses. Kept and shown; where APIs run is said by gateway environments."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="labels")
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=1024, blank=True)
    access_urls = models.JSONField(default=list, blank=True, help_text="A list of addresses.")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint("organisation", Lower("name"), name="label_unique_name")]

    def __str__(self) -> str:
        return self.name
