"""Rate-limiting policies (reference A11): how much an API, an application or a subscription may use."""

from __future__ import annotations

import re
import uuid

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from apim.accounts.models import Organisation
from gateway.schema.addresses import address, span
from gateway.schema.patterns import pattern
from gateway.schema.siddhi import parse, template

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


class Permission(models.TextChoices):
    """What roles mean for a business plan."""

    ALLOW = "ALLOW", "Only these roles"
    DENY = "DENY", "Not these roles"


SECONDS = {"sec": 1, "min": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000, "year": 31536000}
MONTHS = {"month": 1, "year": 12}
"""Units whose windows are whole calendar months."""

BYTES = {"KB": 1024, "MB": 1024 * 1024, "GB": 1024 * 1024 * 1024}
MOST = 10**15
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class BillingPlan(models.TextChoices):
    """Label of a business plan."""

    FREE = "FREE", "Free"
    COMMERCIAL = "COMMERCIAL", "Commercial"


class LimitFields(models.Model):
    """How much in which window; the columns that policies and their conditional groups share."""

    kind = models.CharField(max_length=20, choices=LimitKind.choices, default=LimitKind.REQUESTS)
    amount = models.BigIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MOST)], help_text="Empty: no limit."
    )
    data_unit = models.CharField(max_length=2, choices=[(unit, unit) for unit in BYTES], default="KB", blank=True)
    unit_time = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1), MaxValueValidator(1000)])
    time_unit = models.CharField(max_length=5, choices=TimeUnit.choices, default=TimeUnit.MINUTE)
    sliding = models.BooleanField(
        default=False, help_text="Windows slide instead of following the calendar: no double use around their ends."
    )

    class Meta:
        abstract = True

    @property
    def quota_text(self) -> str:
        """The quota for people: `1,000 requests per minute`."""
        if self.amount is None:
            return "Unlimited"
        noun = {LimitKind.REQUESTS: "request", LimitKind.EVENTS: "event"}.get(LimitKind(self.kind), "")
        what = (
            f"{self.amount:,} {noun}{'s' if self.amount != 1 else ''}" if noun else f"{self.amount:,} {self.data_unit}"
        )
        return f"{what} per {_window_text(self.unit_time, self.time_unit)}{', sliding' if self.sliding else ''}"


class Policy(LimitFields):
    """A named limit. `amount` empty means unlimited. Bursts matter to subscription and application policies only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="policies")
    level = models.CharField(max_length=20, choices=Level.choices)
    name = models.CharField(max_length=60, validators=[POLICY_NAME])
    display_name = models.CharField(max_length=512, blank=True)
    description = models.TextField(blank=True, max_length=1024)
    burst_amount = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    burst_unit = models.CharField(max_length=5, choices=TimeUnit.choices, default=TimeUnit.MINUTE, blank=True)
    stop_on_quota_reach = models.BooleanField(
        default=True, help_text="Otherwise calls beyond the quota pass and are only counted."
    )
    subscriber_count = models.PositiveIntegerField(
        null=True, blank=True, help_text="Most WebSub subscriptions; empty: any."
    )
    graphql_max_depth = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Deepest GraphQL query; empty: any."
    )
    graphql_max_complexity = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Costliest GraphQL query; empty: any."
    )
    billing_plan = models.CharField(max_length=12, choices=BillingPlan.choices, default=BillingPlan.FREE)
    permission = models.CharField(
        max_length=5,
        choices=Permission.choices,
        blank=True,
        help_text="Whether people with the roles may, or may not, choose it.",
    )
    roles = models.JSONField(default=list, blank=True)
    custom_attributes = models.JSONField(default=list, blank=True, help_text='[{"name": "…", "value": "…"}]')
    monetization = models.JSONField(null=True, blank=True, editable=False)
    built_in = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["level", "name"]
        verbose_name_plural = "policies"
        constraints = [models.UniqueConstraint(fields=["organisation", "level", "name"], name="policy_unique_name")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what no gateway could count."""
        self.roles, self.custom_attributes = self.roles or [], self.custom_attributes or []
        wrong = {}
        if self.burst_amount and self.level == Level.API:
            wrong["burst_amount"] = "Only subscription and application policies have a burst limit."
        if self.kind == LimitKind.EVENTS and self.level != Level.SUBSCRIPTION:
            wrong["kind"] = "Events are counted by subscription policies only."
        if self.kind == LimitKind.BANDWIDTH and not self.data_unit:
            wrong["data_unit"] = "Choose KB, MB or GB."
        if self.name == UNLIMITED and self.amount is not None:
            wrong["amount"] = "The policy Unlimited has no limit: leave this empty."
        if self.permission and not self.roles:
            wrong["roles"] = "Name at least one role."
        if not _texts(self.roles):
            wrong["roles"] = "Must be a list of role names."
        if not _pairs(self.custom_attributes):
            wrong["custom_attributes"] = "Must be a list of objects with the texts name and value."
        if wrong:
            raise ValidationError(wrong)

    @property
    def key(self) -> str:
        """Key of its record for gateways."""
        return f"{self.organisation.domain}:{self.level}:{self.name}"

    @property
    def burst_text(self) -> str:
        """The spike arrest for people, or an empty string."""
        return f"{self.burst_amount:,} per {TimeUnit(self.burst_unit).label}" if self.burst_amount else ""


class ConditionalGroup(LimitFields):
    """A limit of an advanced policy for the calls that meet all of its conditions."""

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="groups")
    position = models.PositiveIntegerField(default=0, editable=False)
    description = models.CharField(max_length=256, blank=True)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = "conditional group"

    def __str__(self) -> str:
        return self.description or f"Group {self.position + 1}"

    def clean(self) -> None:
        """A group without a limit would say nothing."""
        if self.amount is None:
            raise ValidationError({"amount": "A conditional group needs a limit."})
        if self.kind == LimitKind.EVENTS:
            raise ValidationError({"kind": "Events are counted by subscription policies only."})


class ConditionKind(models.TextChoices):
    """What a condition looks at."""

    IP = "ip", "Address"
    IP_RANGE = "ip_range", "Address range"
    HEADER = "header", "Header"
    QUERY = "query", "Query parameter"
    CLAIM = "claim", "Token claim"


class Condition(models.Model):
    """One condition of a group. `value` is an address, the first address of a range, or a regular expression (RE2)."""

    group = models.ForeignKey(ConditionalGroup, on_delete=models.CASCADE, related_name="conditions")
    kind = models.CharField(max_length=8, choices=ConditionKind.choices, default=ConditionKind.HEADER)
    name = models.CharField(max_length=256, blank=True, help_text="Of the header, parameter or claim.")
    value = models.CharField(max_length=1000, help_text="Expression, address or first address.")
    end = models.CharField(max_length=64, blank=True, help_text="Last address of a range.")
    invert = models.BooleanField(default=False, help_text="Met by calls that do not have it.")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.name or self.value}"

    def clean(self) -> None:
        """Refuse what no gateway could compare."""
        named = self.kind in (ConditionKind.HEADER, ConditionKind.QUERY, ConditionKind.CLAIM)
        wrong: dict[str, str] = {}
        if named and not self.name:
            wrong["name"] = "Give the name of the header, parameter or claim."
        if self.kind == ConditionKind.HEADER and self.name and not _HEADER.fullmatch(self.name):
            wrong["name"] = f"{self.name!r} is not the name of a header."
        if self.kind == ConditionKind.IP_RANGE and not self.end and "/" not in self.value:
            wrong["end"] = "Give the last address of the range."
        if self.kind in (ConditionKind.IP, ConditionKind.IP_RANGE, *([] if not named else [self.kind])) and not wrong:
            try:
                self._check_value()
            except ValueError as error:
                wrong["value"] = f"{error}."
        if wrong:
            raise ValidationError(wrong)

    def _check_value(self) -> None:
        """Raises ValueError."""
        if self.kind == ConditionKind.IP:
            address(self.value)
        elif self.kind == ConditionKind.IP_RANGE:
            span(self.value, self.end)
        else:
            pattern(self.value)


class DenyKind(models.TextChoices):
    """Whom a deny policy refuses; the spelling of the REST contract."""

    API = "API", "API"
    APPLICATION = "APPLICATION", "Application"
    USER = "USER", "User"
    IP = "IP", "Address"
    IP_RANGE = "IPRANGE", "Address range"


class DenyPolicy(models.Model):
    """Whose calls are refused whatever the limits say, as long as it is switched on."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="deny_policies")
    kind = models.CharField(max_length=12, choices=DenyKind.choices, default=DenyKind.API)
    value = models.CharField(
        max_length=300,
        help_text="/context/version of an API, owner:name of an application, a user name, an address, or first-last.",
    )
    invert = models.BooleanField(default=False, help_text="Refuse everybody else instead. Addresses and ranges only.")
    active = models.BooleanField("on", default=True)

    class Meta:
        ordering = ["kind", "value"]
        verbose_name_plural = "deny policies"
        constraints = [
            models.UniqueConstraint(fields=["organisation", "kind", "value", "invert"], name="deny_policy_unique_value")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}"

    def clean(self) -> None:
        """Refuse what no gateway could compare."""
        wrong: dict[str, str] = {}
        if self.invert and self.kind not in (DenyKind.IP, DenyKind.IP_RANGE):
            wrong["invert"] = "Only addresses and ranges can be inverted."
        try:
            if self.kind == DenyKind.IP:
                self.value = str(address(self.value))
            elif self.kind == DenyKind.IP_RANGE:
                low, high = span(self.value)
                self.value = f"{low}-{high}"
        except ValueError as error:
            wrong["value"] = f"{error}."
        if self.kind == DenyKind.API and not self.value.startswith("/"):
            wrong["value"] = "An API's context begins with /."
        if self.kind == DenyKind.APPLICATION and ":" not in self.value:
            wrong["value"] = "An application is written owner:name."
        if wrong:
            raise ValidationError(wrong)


class CustomRule(models.Model):
    """A rule in Siddhi's language that counts calls of all organisations; only the platform's administrators write them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=60, unique=True, validators=[POLICY_NAME])
    description = models.TextField(blank=True, max_length=1024)
    key_template = models.CharField(max_length=300, help_text="For example $userId:$apiContext.")
    query = models.TextField("Siddhi query", max_length=10_000)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what gateways do not understand, with its line."""
        wrong: dict[str, str] = {}
        try:
            template(self.key_template)
        except ValueError as error:
            wrong["key_template"] = f"{error}."
        try:
            parse(self.query)
        except ValueError as error:
            wrong["query"] = f"{error}."
        if wrong:
            raise ValidationError(wrong)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and one for one in value)


def _pairs(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and set(one) == {"name", "value"} and _texts(list(one.values())) for one in value
    )


def _window_text(number: int, unit: str) -> str:
    label = TimeUnit(unit).label
    return label if number == 1 else f"{number} {label}s"
