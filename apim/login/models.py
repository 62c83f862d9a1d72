"""Rules of log-in per organisation, second factors with their recovery codes, and passwords of the past."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from apim.accounts.models import Organisation, User
from apim.login.provider_models import ExternalIdentity, IdentityProvider, SamlRequest
from apim.login.store_models import DirectoryIdentity, UserStore

__all__ = [
    "DirectoryIdentity", "ExternalIdentity", "IdentityProvider", "LoginRules", "PastPassword", "RecoveryCode", "SamlRequest",
    "SecondFactor", "UserStore",
]  # fmt: skip


def _between(least: int, most: int) -> list[object]:
    return [MinValueValidator(least), MaxValueValidator(most)]


class LoginRules(models.Model):
    """What an organisation asks of its people's log-ins. Without a row the defaults hold."""

    organisation = models.OneToOneField(Organisation, on_delete=models.CASCADE, related_name="login_rules")
    second_factor_roles = models.JSONField(
        default=list, blank=True, help_text="People with one of these roles must set up a second factor."
    )
    passwords_alone = models.BooleanField(
        "REST by password despite a second factor", default=False,
        help_text="Basic authentication and the password grant stay open to people with a second factor.",
    )  # fmt: skip
    minimum_length = models.PositiveSmallIntegerField(default=8, validators=_between(8, 128))
    character_classes = models.PositiveSmallIntegerField(
        default=1, validators=_between(1, 4),
        help_text="Of small letters, capitals, digits and others, how many a password must mix.",
    )  # fmt: skip
    history = models.PositiveSmallIntegerField(
        "passwords remembered", default=0, validators=_between(0, 24), help_text="The last ones may not be taken again."
    )
    expires_after = models.PositiveSmallIntegerField(
        "passwords expire after", default=0, validators=_between(0, 3650), help_text="Days; 0 for never."
    )
    attempts = models.PositiveSmallIntegerField(
        default=5, validators=_between(3, 50), help_text="Failures of a name from one address before log-in is locked."
    )
    attempts_anywhere = models.PositiveIntegerField(
        default=100, validators=_between(3, 1000),
        help_text="Failures of a name from all addresses. A low number lets strangers lock people out.",
    )  # fmt: skip
    lock_minutes = models.PositiveSmallIntegerField(default=5, validators=_between(1, 1440))

    class Meta:
        verbose_name = verbose_name_plural = "log-in rules"

    def __str__(self) -> str:
        return f"Log-in rules of {self.organisation}"


class SecondFactor(models.Model):
    """A person's authenticator app (TOTP, RFC 6238). It counts once it is confirmed by a first code."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    sealed_secret = models.TextField()
    confirmed = models.DateTimeField(null=True, blank=True)
    last_step = models.BigIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    failed = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["user__username"]

    def __str__(self) -> str:
        return f"Second factor of {self.user}"


class RecoveryCode(models.Model):
    """Lets somebody in once who lost the authenticator; only a keyed hash of it is kept."""

    factor = models.ForeignKey(SecondFactor, on_delete=models.CASCADE, related_name="recovery_codes")
    checksum = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["factor", "checksum"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"Recovery code of {self.factor.user}"


class PastPassword(models.Model):
    """The hash of a password and when it was set; the newest one is the present password's."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="past_passwords")
    encoded = models.CharField(max_length=256)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.user}, {self.at:%Y-%m-%d}"
