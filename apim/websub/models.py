"""The hub's store: who listens to which topic, what was published, and every delivery until it came to an end."""

from __future__ import annotations

import uuid

from django.db import models


class State(models.TextChoices):
    """Where a subscription stands."""

    PENDING = "PENDING", "Waits for the subscriber's confirmation"
    ACTIVE = "ACTIVE", "Active"
    DENIED = "DENIED", "Not confirmed"


class Subscription(models.Model):
    """A callback that wants the events of one topic of one API, for an application.

    `api`, `application` and `plan_subscription` are the ids (uuid texts) of what gateways know by records of those kinds.
    `secret` is sealed (apim.keymanager.vault). `asked` is the mode that waits for its confirmation, empty when none does.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.CharField(max_length=254)
    environment = models.CharField(max_length=120)
    api = models.CharField(max_length=40)
    application = models.CharField(max_length=40, blank=True)
    plan_subscription = models.CharField(max_length=40, blank=True, db_index=True)
    topic = models.CharField(max_length=500)
    callback = models.CharField(max_length=2000)
    callback_hash = models.CharField(max_length=64, editable=False)
    secret = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    asked = models.CharField(max_length=12, blank=True)
    asked_lease = models.PositiveIntegerField(default=0)
    tries = models.PositiveIntegerField(default=0)
    due = models.DateTimeField(null=True, blank=True, db_index=True)
    expires = models.DateTimeField(null=True, blank=True, db_index=True)
    created = models.DateTimeField(auto_now_add=True)
    delivered = models.DateTimeField(null=True, blank=True)
    delivery_status = models.PositiveIntegerField(default=0, help_text="Last answer of the callback; 0: none yet.")

    class Meta:
        ordering = ["-created"]
        indexes = [models.Index(fields=["api", "environment", "topic", "state"], name="websub_listeners")]
        constraints = [
            models.UniqueConstraint(
                fields=["api", "environment", "application", "topic", "callback_hash"], name="websub_unique_callback"
            )
        ]

    def __str__(self) -> str:
        return f"{self.topic} → {self.callback}"


class Event(models.Model):
    """One published event; it stays as long as a delivery of it does."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.CharField(max_length=40)
    topic = models.CharField(max_length=500)
    hub = models.CharField(max_length=500, blank=True, help_text="Address of the hub, for the Link header.")
    content_type = models.CharField(max_length=250, blank=True)
    body = models.BinaryField()
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.topic} {self.id}"


class Outcome(models.TextChoices):
    """Where a delivery stands."""

    PENDING = "PENDING", "Under way"
    DELIVERED = "DELIVERED", "Delivered"
    FAILED = "FAILED", "Given up"
    THROTTLED = "THROTTLED", "Beyond the plan"


class Delivery(models.Model):
    """One event on its way to one callback. `claimed`: a worker has it in hand until then."""

    id = models.BigAutoField(primary_key=True)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="deliveries")
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    due = models.DateTimeField()
    claimed = models.DateTimeField(null=True, blank=True)
    status = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=250, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        indexes = [models.Index(fields=["outcome", "due"], name="websub_due")]

    def __str__(self) -> str:
        return f"{self.event} → {self.subscription.callback}"


class Usage(models.Model):
    """How many events a subscription's plan delivered in one window (Unix seconds of its start)."""

    plan_subscription = models.CharField(max_length=40)
    window = models.BigIntegerField()
    events = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "usage"
        constraints = [models.UniqueConstraint(fields=["plan_subscription", "window"], name="websub_unique_window")]

    def __str__(self) -> str:
        return f"{self.plan_subscription}: {self.events}"
