"""Identity providers of an organisation (OpenID Connect, SAML 2.0), and who of theirs is which user here."""

from __future__ import annotations

import uuid

from django.db import models

from apim.accounts.models import Organisation, User


class Kind(models.TextChoices):
    """How people come from there."""

    OIDC = "OIDC", "OpenID Connect"
    SAML2 = "SAML2", "SAML 2.0"


class Linking(models.TextChoices):
    """What happens when the provider's person has the e-mail address of a user who is here already."""

    NEVER = "NEVER", "Never link to an existing user"
    VERIFIED_EMAIL = "VERIFIED_EMAIL", "Link by an e-mail address the provider has verified"


class IdentityProvider(models.Model):
    """A server whose people may log in to the organisation."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="identity_providers")
    name = models.CharField(max_length=60, help_text="Shown on the log-in page: “Log in with …”.")
    enabled = models.BooleanField(default=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.OIDC)
    issuer = models.CharField(
        max_length=500,
        help_text="OpenID Connect: its `iss`, with the discovery document below it at /.well-known/openid-configuration. "
        "SAML 2.0: its entity id.",
    )
    client_id = models.CharField(max_length=250, blank=True, help_text="OpenID Connect alone.")
    sealed_secret = models.TextField(blank=True)
    scopes = models.CharField(max_length=250, default="openid profile email", help_text="OpenID Connect alone.")
    sso_address = models.CharField(
        max_length=1000, blank=True, help_text="SAML 2.0: its single sign-on service for the HTTP-Redirect binding."
    )
    certificates = models.TextField(
        blank=True, help_text="SAML 2.0: the certificates (PEM) it signs with, the next one beside the present one."
    )
    name_attribute = models.CharField(
        max_length=250, blank=True, help_text="SAML 2.0: attribute that names new accounts; else e-mail or NameID does."
    )
    email_attribute = models.CharField(
        max_length=250, blank=True, help_text="SAML 2.0: attribute with the e-mail address."
    )
    creates_users = models.BooleanField(default=True, help_text="Unknown people get an account at their first log-in.")
    linking = models.CharField(max_length=20, choices=Linking.choices, default=Linking.NEVER)
    roles_claim = models.CharField(
        max_length=250,
        blank=True,
        help_text="Claim of the ID token or the user info, or SAML attribute, that lists groups.",
    )
    role_mapping = models.JSONField(
        default=dict, blank=True, help_text='Group → role here, e.g. {"api-team": "Internal/creator"}.'
    )
    default_roles = models.JSONField(default=list, blank=True, help_text="Roles of new accounts besides mapped ones.")
    second_factor = models.BooleanField(
        default=False, help_text="Ask for our second factor as well, where people have one or must have one."
    )

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="identity_provider_name_once")]

    def __str__(self) -> str:
        return self.name


class ExternalIdentity(models.Model):
    """`subject` of a provider is `user`."""

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="identities")
    subject = models.CharField(max_length=255)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="external_identities")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "subject"], name="external_identity_once")]

    def __str__(self) -> str:
        return f"{self.subject} of {self.provider}"


class SamlRequest(models.Model):
    """A SAML log-in that is under way: what was asked, and between two pages what the provider answered."""

    checksum = models.CharField(max_length=64, unique=True)
    """Of the RelayState: whoever reads the table cannot answer."""
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="saml_requests")
    identifier = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)
    answered = models.BooleanField(default=False)
    claims = models.JSONField(null=True)

    class Meta:
        indexes = [models.Index(fields=["at"], name="saml_request_at")]

    def __str__(self) -> str:
        return f"Request to {self.provider}"
