"""Clients that applications have at key managers elsewhere."""

from __future__ import annotations

import uuid

from django.db import models


class RemoteClient(models.Model):
    """A client registered at a key manager elsewhere, or mapped, with what it takes to manage it there. Never its secret."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key_manager = models.ForeignKey("keymanager.KeyManager", on_delete=models.PROTECT, related_name="remote_clients")
    client_id = models.CharField(max_length=255)
    name = models.CharField(max_length=255, blank=True)
    grant_types = models.JSONField(default=list, blank=True)
    callback_url = models.TextField(blank=True, default="")
    created_here = models.BooleanField(default=True, help_text="Off: it existed there before, and stays.")
    handle_sealed = models.TextField(
        blank=True, default="", editable=False, help_text="Registration access token and address, encrypted by `vault`."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key_manager", "client_id"], name="remote_client_unique")]

    def __str__(self) -> str:
        return self.name or self.client_id
