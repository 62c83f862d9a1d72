"""Rate-limiting policies (reference A11): how much an API, an application or a subscription may use."""

from __future__ import annotations

import uuid

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

from apim.accounts.models import Organisation

UNLIMITED = "Unlimited"
UNAUTHENTICATED = "Unauthenticated"
"""The subscription policy of calls without a token; no application can choose it."""
POLICY_NAME = RegexValidator(r"^[A-Za-z0-9_-]{1,60}$", "Use letters, digits, dashes and underscores; 60 at most.")


class Level(models.TextChoices):
    """What a policy counts: calls of an API or operation, of an application, or of a subscription."""

    API = "api", "API and operation (advanced)"
    APPLICATION = "application", "Application"
    SUBSCRIPTION = "subscription", "Subscription (business plan)"


class LimitKind(models.TextChoices):
    """Unit of the quota."""

    REQUESTS = "REQUESTCOUNTLIMIT", "Requests"
    BANDWIDTH = "BANDWIDTHLIMIT", "Bandwidth"
    EVENTS = "EVENTCOUNTLIMIT", "Events"


class TimeUnit(models.TextChoices):
    """Units of a window, with the spelling of the REST contract."""

    SECOND = "sec", "second"
    MINUTE = "min", "minute"
    HOUR = "hour", "hour"
    DAY = "day", "day"
    WEEK = "week", "week"
    MONTH = "month", "month"
    YEAR = "year", "year"


SECONDS = {"sec": 1, "min": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000, "year": 31536000}
BYTES = {"KB": 1024, "MB": 1024 * 1024}


class BillingPlan(models.TextChoices):
    """Label of a business plan."""

    FREE = "FREE", "Free"
    COMMERCIAL = "COMMERCIAL", "Commercial"


class Policy(models.Model):
    """A named limit. `amount` empty means unlimited. The burst fields matter to subscription policies only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="policies")
    level = models.CharField(max_length=20, choices=Level.choices)
    name = models.CharField(max_length=60, validators=[POLICY_NAME])
    display_name = models.CharField(max_length=120, blank=True)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=20, choices=LimitKind.choices, default=LimitKind.REQUESTS)
    amount = models.BigIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    data_unit = models.CharField(max_length=2, choices=[("KB", "KB"), ("MB", "MB")], default="KB", blank=True)
    unit_time = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    time_unit = models.CharField(max_length=5, choices=TimeUnit.choices, default=TimeUnit.MINUTE)
    burst_amount = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    burst_unit = models.CharField(max_length=5, choices=TimeUnit.choices, default=TimeUnit.MINUTE, blank=True)
    stop_on_quota_reach = models.BooleanField(default=True)
    subscriber_count = models.PositiveIntegerField(
        null=True, blank=True, help_text="Most WebSub subscriptions; empty: any."
    )
    billing_plan = models.CharField(max_length=12, choices=BillingPlan.choices, default=BillingPlan.FREE)
    built_in = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["level", "name"]
        verbose_name_plural = "policies"
        constraints = [models.UniqueConstraint(fields=["organisation", "level", "name"], name="policy_unique_name")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what no gateway could count."""
        wrong = {}
        if self.burst_amount and self.level != Level.SUBSCRIPTION:
            wrong["burst_amount"] = "Only a subscription policy has a burst limit."
        if self.kind == LimitKind.EVENTS and self.level != Level.SUBSCRIPTION:
            wrong["kind"] = "Events are counted by subscription policies only."
        if self.kind == LimitKind.BANDWIDTH and not self.data_unit:
            wrong["data_unit"] = "Choose KB or MB."
        if self.name == UNLIMITED and self.amount is not None:
            wrong["amount"] = "The policy Unlimited has no limit: leave this empty."
        if wrong:
            raise ValidationError(wrong)

    @property
    def key(self) -> str:
        """Key of its record for gateways."""
        return f"{self.organisation.domain}:{self.level}:{self.name}"

    @property
    def quota_text(self) -> str:
        """The quota for people: `1,000 requests per minute`."""
        if self.amount is None:
            return "Unlimited"
        noun = {LimitKind.REQUESTS: "request", LimitKind.EVENTS: "event"}.get(LimitKind(self.kind), "")
        what = (
            f"{self.amount:,} {noun}{'s' if self.amount != 1 else ''}" if noun else f"{self.amount:,} {self.data_unit}"
        )
        return f"{what} per {_window_text(self.unit_time, self.time_unit)}"

    @property
    def burst_text(self) -> str:
        """The spike arrest for people, or an empty string."""
        return f"{self.burst_amount:,} per {TimeUnit(self.burst_unit).label}" if self.burst_amount else ""


def _window_text(number: int, unit: str) -> str:
    label = TimeUnit(unit).label
    return label if number == 1 else f"{number} {label}s"
