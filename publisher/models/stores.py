"""External stores: other installations in whose developer portals an organisation shows its APIs."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models

from apim.accounts.models import Organisation
from publisher.models.apis import Api


class ExternalStore(models.Model):
    """One other installation. `endpoint` is the address of its control plane, `password` is sealed."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="external_stores")
    name = models.CharField(max_length=60, validators=[RegexValidator(r"^[A-Za-z0-9._-]{1,60}$")])
    display_name = models.CharField(max_length=120)
    endpoint = models.URLField(max_length=500)
    username = models.CharField(max_length=254)
    password = models.TextField(editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="external_store_unique_name")]

    def __str__(self) -> str:
        return self.display_name or self.name


class StorePublication(models.Model):
    """An API that an external store shows. `remote_id` is its id there."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="publications")
    store = models.ForeignKey(ExternalStore, on_delete=models.CASCADE, related_name="publications")
    remote_id = models.CharField(max_length=100)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["store__name"]
        constraints = [models.UniqueConstraint(fields=["api", "store"], name="store_publication_unique")]

    def __str__(self) -> str:
        return f"{self.api} in {self.store}"
