"""What people read about an API: documents and its picture. Bytes stand in tables of their own, so that lists stay small."""

from __future__ import annotations

import uuid

from django.db import models

from publisher.models.apis import Api


class DocumentKind(models.TextChoices):
    """What a document is for. The values are the contract's."""

    HOWTO = "HOWTO", "How to"
    SAMPLES = "SAMPLES", "Samples and SDK"
    PUBLIC_FORUM = "PUBLIC_FORUM", "Public forum"
    SUPPORT_FORUM = "SUPPORT_FORUM", "Support forum"
    API_MESSAGE_FORMAT = "API_MESSAGE_FORMAT", "Message format"
    SWAGGER_DOC = "SWAGGER_DOC", "Definition"
    OTHER = "OTHER", "Other"


class DocumentSource(models.TextChoices):
    """Where its content is."""

    INLINE = "INLINE", "Text written here"
    MARKDOWN = "MARKDOWN", "Markdown written here"
    URL = "URL", "An address elsewhere"
    FILE = "FILE", "A file"


class DocumentVisibility(models.TextChoices):
    """Who may read it."""

    API_LEVEL = "API_LEVEL", "Everybody who sees the API"
    PRIVATE = "PRIVATE", "Members of this organisation who see the API"
    OWNER_ONLY = "OWNER_ONLY", "Only people of the publisher"


class Document(models.Model):
    """A document of an API or API product. `text` is that of INLINE and MARKDOWN; a FILE's bytes are its `DocumentFile`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="documents")
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=20, choices=DocumentKind.choices, default=DocumentKind.HOWTO)
    other_kind = models.CharField(max_length=60, blank=True, help_text="What to call it when the kind is OTHER.")
    summary = models.TextField(blank=True, max_length=32766)
    source = models.CharField(max_length=10, choices=DocumentSource.choices, default=DocumentSource.INLINE)
    url = models.CharField(max_length=2000, blank=True)
    visibility = models.CharField(
        max_length=12, choices=DocumentVisibility.choices, default=DocumentVisibility.API_LEVEL
    )
    text = models.TextField(blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    media_type = models.CharField(max_length=100, blank=True)
    created_by = models.CharField(max_length=254)
    created = models.DateTimeField(auto_now_add=True)
    updated_by = models.CharField(max_length=254)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["api", "name"], name="document_unique_name_in_api")]

    def __str__(self) -> str:
        return self.name


class DocumentFile(models.Model):
    """The bytes of a document of source FILE."""

    document = models.OneToOneField(Document, primary_key=True, on_delete=models.CASCADE, related_name="file")
    content = models.BinaryField()

    def __str__(self) -> str:
        return self.document.file_name


class Thumbnail(models.Model):
    """The picture of an API. It was checked when it came: PNG, JPEG or GIF, or SVG without anything that acts."""

    api = models.OneToOneField(Api, primary_key=True, on_delete=models.CASCADE, related_name="thumbnail")
    media_type = models.CharField(max_length=40)
    content = models.BinaryField()
    digest = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"Picture of {self.api}"
