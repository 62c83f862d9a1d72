"""The key manager's rows: OAuth clients, signing keys, accepted issuers, and revoked tokens until they expire."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from oauth2_provider.models import AbstractApplication

from apim.accounts.models import Organisation
from apim.keymanager.grant_models import (
    Consent,
    OpaqueToken,
    SeenAssertion,
    SpentCode,
    TokenPolicy,
    TrustedIssuer,
)
from apim.keymanager.grants import same_address
from apim.keymanager.manager_fields import KeyManagerDetails
from apim.keymanager.remote_models import RemoteClient

__all__ = [
    "RESIDENT", "Consent", "KeyManager", "OAuthClient", "OpaqueToken", "RemoteClient", "RevokedToken",
    "SeenAssertion", "SigningKey", "SpentCode", "TokenPolicy", "TrustedIssuer",
]  # fmt: skip

JWT, OPAQUE = "JWT", "OPAQUE"
"""Forms of access tokens."""

RESIDENT = "Resident Key Manager"
"""Name of the key manager that this platform itself is."""


class OAuthClient(AbstractApplication):
    """An OAuth client. Those that belong to portal applications are tied to them by `portal.ApplicationKey`."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="oauth_clients")
    grant_types = models.JSONField(default=list, help_text="Grants this client may use, e.g. client_credentials.")
    token_lifetime = models.PositiveIntegerField(null=True, blank=True, help_text="Seconds; empty: the platform's.")
    key_type = models.CharField(max_length=12, default="PRODUCTION")
    scopes = models.JSONField(default=list, blank=True, help_text="Scopes it may ask for; empty: any of its APIs'.")
    token_format = models.CharField(
        max_length=8, default=JWT, choices=[(JWT, "Signed JWT"), (OPAQUE, "Opaque")], help_text="Of its access tokens."
    )
    auth_method = models.CharField(
        max_length=40,
        blank=True,
        default="",
        help_text="How it proves itself at the token endpoint; empty: its secret.",
    )
    jwks = models.TextField(blank=True, default="", help_text="Its public keys, RFC 7517 JSON: for private_key_jwt.")
    tls_subject = models.CharField(
        max_length=500, blank=True, default="", help_text="Subject of its certificate (RFC 4514): for tls_client_auth."
    )
    bound_tokens = models.BooleanField(
        default=False, help_text="Its tokens hold its certificate's thumbprint (RFC 8705)."
    )
    details = models.JSONField(default=dict, blank=True, help_text="What else it said of itself when it registered.")
    registration_token = models.CharField(max_length=64, blank=True, default="", editable=False, db_index=True)

    class Meta(AbstractApplication.Meta):
        swappable = "OAUTH2_PROVIDER_APPLICATION_MODEL"
        verbose_name = "OAuth client"

    def allows_grant_type(self, *grant_types: str) -> bool:
        """Django OAuth Toolkit's question, answered from the list instead of the single grant type."""
        names = {"authorization-code": "authorization_code", "client-credentials": "client_credentials"}
        return any(names.get(name, name) in self.grant_types for name in grant_types)

    def is_usable(self, request: object) -> bool:
        """Whether the client may get tokens: its organisation and its owner are active."""
        return self.organisation.active and (self.user is None or self.user.is_active)

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Whether browsers may be sent to `uri` with a code. The toolkit would let further query fields pass."""
        return any(same_address(uri, registered) for registered in self.redirect_uris.split())

    def post_logout_redirect_uri_allowed(self, uri: str) -> bool:
        """Whether browsers may be sent to `uri` after a log-out."""
        return any(same_address(uri, registered) for registered in self.post_logout_redirect_uris.split())

    @property
    def is_opaque(self) -> bool:
        """Whether its access tokens say nothing by themselves."""
        return self.token_format == OPAQUE

    @property
    def is_management(self) -> bool:
        """Whether it was registered (DCR) to call the platform's own REST APIs."""
        return self.registration_source == self.RegistrationSource.DCR

    @property
    def lifetime(self) -> int:
        """Validity of its access tokens in seconds."""
        return self.token_lifetime or settings.APIM.token_lifetime


class SigningKey(models.Model):
    """A key that signs tokens. The newest one that is not retired signs; all are published as JWKS until they lapse."""

    kid = models.CharField(max_length=64, unique=True)
    algorithm = models.CharField(max_length=8, default="RS256")
    private_pem = models.TextField(editable=False, help_text="PKCS #8, encrypted by `vault`.")
    created = models.DateTimeField(auto_now_add=True)
    retired = models.DateTimeField(null=True, blank=True, help_text="When a newer key took over signing.")
    published_until = models.DateTimeField(
        null=True, blank=True, help_text="When its last token has expired; empty: in use."
    )

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return self.kid


class KeyManager(KeyManagerDetails):
    """An issuer whose tokens gateways accept. Each organisation has the resident one from the start."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="key_managers")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=45, default="default", help_text="Name of its connector.")
    issuer = models.CharField(max_length=500, blank=True)
    enabled = models.BooleanField(default=True)
    client_claim = models.CharField(max_length=60, default="azp")
    scope_claim = models.CharField(max_length=60, default="scope")
    jwks = models.TextField(blank=True, help_text="Public keys as RFC 7517 JSON; the resident one fills it in itself.")
    jwks_url = models.CharField(
        max_length=500, blank=True, help_text="Where gateways look for keys that are not above, when a token names one."
    )
    introspection_url = models.CharField(
        max_length=500,
        blank=True,
        help_text="Where gateways ask about opaque tokens (RFC 7662), and about all tokens when there are no keys.",
    )
    introspection_user = models.CharField(max_length=200, blank=True, help_text="The gateways' client id there.")
    introspection_sealed = models.TextField(blank=True, editable=False, help_text="Its secret, encrypted by `vault`.")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="key_manager_unique_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """Key of its record for gateways."""
        return f"{self.organisation.domain}:{self.name}"

    @property
    def label(self) -> str:
        """Its name for people."""
        return self.display_name or self.name

    @property
    def resident(self) -> bool:
        """Whether it is the platform itself."""
        return self.name == RESIDENT


class RevokedToken(models.Model):
    """An access token that must not be accepted any more, kept until it would have expired."""

    jti = models.CharField(max_length=80, unique=True)
    expires = models.DateTimeField(db_index=True)
    revoked = models.DateTimeField(auto_now_add=True)
    client_id = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["-revoked"]

    def __str__(self) -> str:
        return self.jti
