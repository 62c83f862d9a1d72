"""One organisation's configuration document and theme, who gets which alert, and calls that looked like a bot's."""

from __future__ import annotations

import uuid

from django.core.validators import EmailValidator
from django.db import models

from apim.accounts.models import Organisation, User


class TenantConfiguration(models.Model):
    """The JSON that clients of the admin contract call the tenant configuration. Absent: the defaults."""

    organisation = models.OneToOneField(Organisation, on_delete=models.CASCADE, related_name="configuration")
    content = models.JSONField(default=dict)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "tenant configuration"

    def __str__(self) -> str:
        return f"Configuration of {self.organisation}"


class Theme(models.Model):
    """How an organisation's developer portal looks. `description` has the fields of `apim.configuration.theme`."""

    organisation = models.OneToOneField(Organisation, on_delete=models.CASCADE, related_name="theme")
    description = models.JSONField(default=dict)
    logo = models.BinaryField(default=bytes, blank=True)
    logo_type = models.CharField(max_length=40, blank=True)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "portal theme"

    def __str__(self) -> str:
        return f"Theme of {self.organisation}"


class AlertSubscription(models.Model):
    """The alerts that an administrator wants, and the addresses they are mailed to."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="alert_subscriptions")
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="alert_subscription")
    alerts = models.JSONField(default=list, help_text="Names of apim.configuration.alerts.ALERTS.")
    emails = models.JSONField(default=list)

    class Meta:
        ordering = ["user__username"]

    def __str__(self) -> str:
        return f"Alerts of {self.user}"


class BotAlertSubscription(models.Model):
    """An address that is mailed when callers look for APIs that do not exist."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="bot_alert_subscriptions")
    email = models.EmailField(max_length=254, validators=[EmailValidator()])

    class Meta:
        ordering = ["email"]
        verbose_name = "bot alert subscription"
        constraints = [models.UniqueConstraint(fields=["organisation", "email"], name="bot_alert_unique_email")]

    def __str__(self) -> str:
        return self.email


class AlertState(models.Model):
    """What is the matter at present, so that each trouble is mailed once. `key` names the thing, `detail` what is wrong."""

    alert = models.CharField(max_length=40)
    key = models.CharField(max_length=250)
    detail = models.CharField(max_length=500, blank=True)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-since"]
        verbose_name = "alert"
        constraints = [models.UniqueConstraint(fields=["alert", "key"], name="alert_unique_key")]

    def __str__(self) -> str:
        return f"{self.alert}: {self.key}"


class BotSighting(models.Model):
    """Calls of one client that found no API: the first of them in a gateway's report, and how many there were."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="bot_sightings")
    at = models.DateTimeField(db_index=True)
    message_id = models.CharField(max_length=80)
    method = models.CharField(max_length=20)
    path = models.CharField(max_length=500)
    headers = models.TextField(blank=True)
    client = models.CharField(max_length=60)
    gateway = models.CharField(max_length=120)
    calls = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-id"]
        verbose_name = "bot sighting"
        indexes = [models.Index(fields=["organisation", "-id"], name="sighting_newest")]

    def __str__(self) -> str:
        return f"{self.client} {self.method} {self.path}"
