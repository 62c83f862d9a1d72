"""Rows that grants leave: switches, consents, opaque tokens, spent codes and assertions, and whose assertions are believed."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from apim.accounts.models import Organisation
from apim.keymanager.grants import ON_BY_DEFAULT


def default_grants() -> list[str]:
    """All grants but those that are off until somebody wants them."""
    return list(ON_BY_DEFAULT)


def default_scopes() -> list[str]:
    """The original's allow-list: scopes that name a device, and `openid`."""
    return ["^device_.*", "^openid$"]


class TokenPolicy(models.Model):
    """What the token service of an organisation allows; an organisation without a row has the defaults."""

    organisation = models.OneToOneField(Organisation, on_delete=models.CASCADE, related_name="token_policy")
    grants = models.JSONField(default=default_grants, help_text="Grants that are switched on.")
    scope_allow_list = models.JSONField(
        default=default_scopes, blank=True, help_text="Patterns (RE2); a scope that matches one is given without check."
    )
    revoke_replaced = models.BooleanField(
        default=True, help_text="A refresh revokes the access token that it replaces, at the gateways as well."
    )

    class Meta:
        verbose_name = "token policy"
        verbose_name_plural = "token policies"

    def __str__(self) -> str:
        return f"Token policy of {self.organisation}"


class Consent(models.Model):
    """What a person allowed a client once and for all, until it is taken back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="consents")
    client = models.ForeignKey("keymanager.OAuthClient", on_delete=models.CASCADE, related_name="consents")
    scopes = models.JSONField(default=list)
    granted = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-granted"]
        constraints = [models.UniqueConstraint(fields=["user", "client"], name="consent_unique_for_client")]

    def __str__(self) -> str:
        return f"{self.user} allows {self.client}"


class OpaqueToken(models.Model):
    """An access token that says nothing by itself: its claims, found by the hash of its text, until it expires."""

    checksum = models.CharField(max_length=64, unique=True)
    jti = models.CharField(max_length=80, unique=True)
    claims = models.JSONField()
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.jti


class SpentCode(models.Model):
    """An authorization code that was used, and what was given for it: shown again, all of that is revoked."""

    checksum = models.CharField(max_length=64, unique=True)
    client = models.ForeignKey("keymanager.OAuthClient", on_delete=models.CASCADE, related_name="+")
    jti = models.CharField(max_length=80)
    token_expires = models.DateTimeField()
    family = models.UUIDField(null=True)
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.jti


class SeenAssertion(models.Model):
    """An assertion that was accepted, remembered until it would be refused as expired."""

    checksum = models.CharField(max_length=64, unique=True)
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.checksum


class TrustedIssuer(models.Model):
    """Somebody whose signed assertions about people an organisation believes (RFC 7523, RFC 7522, RFC 8693)."""

    class Kind(models.TextChoices):
        JWT = "JWT", "JWT (bearer grant and token exchange)"
        SAML = "SAML", "SAML 2.0 assertions"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="trusted_issuers")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.JWT)
    issuer = models.CharField(max_length=500, help_text="The `iss` claim, or the SAML Issuer, exactly.")
    enabled = models.BooleanField(default=True)
    jwks = models.TextField(blank=True, help_text="Public keys of JWTs as RFC 7517 JSON.")
    certificate = models.TextField(blank=True, help_text="Certificates of SAML signatures, PEM.")
    audience = models.CharField(
        max_length=500, blank=True, help_text="A further name for this server in its assertions, besides the issuer."
    )
    local_users = models.BooleanField(
        default=True, help_text="Its subjects must be user names here; otherwise any subject is taken over as it is."
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "kind", "issuer"], name="trusted_issuer_unique"),
            models.UniqueConstraint(fields=["organisation", "name"], name="trusted_issuer_unique_name"),
        ]

    def __str__(self) -> str:
        return self.name
