"""What people say about an API, in the publisher and in the portal."""

from __future__ import annotations

import uuid

from django.db import models

from apim.accounts.models import User
from publisher.models.apis import Api


class EntryPoint(models.TextChoices):
    """Where a comment was written. The values are the contract's."""

    PORTAL = "devPortal", "Developer portal"
    PUBLISHER = "publisher", "Publisher"


class Comment(models.Model):
    """A comment on an API, or an answer to one (`parent`): answers have no answers of their own.

    `author_name` outlives the author's account.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="comments")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="replies")
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="comments")
    author_name = models.CharField(max_length=254)
    text = models.CharField(max_length=512)
    category = models.CharField(max_length=50, default="general")
    entry_point = models.CharField(max_length=10, choices=EntryPoint.choices)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created", "id"]
        indexes = [models.Index(fields=["api", "parent", "-created"], name="comment_of_api")]

    def __str__(self) -> str:
        return self.text[:60]
