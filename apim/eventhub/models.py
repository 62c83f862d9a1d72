"""The outbox: what changed in which order, what is current, and what each gateway runs."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, ProhibitNullCharactersValidator
from django.db import models

_TEXT = [ProhibitNullCharactersValidator()]
_COUNT = [MinValueValidator(0), MaxValueValidator(2**31 - 1)]


class Counter(models.Model):
    """One row that holds the last sequence number. Taking its lock puts commits in the order of the numbers."""

    last = models.BigIntegerField(default=0)
    mark = models.CharField(max_length=16, blank=True, help_text="The mark of the newest change.")


class Event(models.Model):
    """One change for data planes. `record` is the JSON of a `gateway.schema` record; empty means deleted.

    `mark` is random. A gateway shows the one of its last change, so that another history (a database that was replaced or brought
    back from a copy) is noticed even where the numbers fit.
    """

    sequence = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=700)
    organisation = models.CharField(max_length=254, blank=True)
    environment = models.CharField(max_length=120, blank=True)
    record = models.TextField(blank=True)
    mark = models.CharField(max_length=16, blank=True)

    class Meta:
        ordering = ["sequence"]

    def __str__(self) -> str:
        return f"{self.sequence} {self.kind} {self.key}"


class Current(models.Model):
    """The newest record of each (kind, key): together they are the snapshot."""

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=700)
    sequence = models.BigIntegerField(db_index=True)
    organisation = models.CharField(max_length=254, blank=True)
    environment = models.CharField(max_length=120, blank=True)
    record = models.TextField()

    class Meta:
        ordering = ["sequence"]
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="current_unique_kind_key")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class GatewayStatus(models.Model):
    """The last report of one gateway worker."""

    gateway = models.CharField(max_length=120, unique=True, validators=_TEXT)
    environment = models.CharField(max_length=120, validators=_TEXT)
    host = models.CharField(max_length=250, validators=_TEXT)
    pid = models.IntegerField(validators=_COUNT)
    sequence = models.BigIntegerField(validators=[MinValueValidator(0)])
    apis = models.IntegerField(default=0, validators=_COUNT)
    subscriptions = models.IntegerField(default=0, validators=_COUNT)
    version = models.CharField(max_length=40, blank=True, validators=_TEXT)
    started = models.DateTimeField()
    seen = models.DateTimeField(db_index=True)
    refusals = models.JSONField(default=list)

    class Meta:
        ordering = ["environment", "host", "pid"]
        verbose_name_plural = "gateway statuses"

    def __str__(self) -> str:
        return self.gateway
