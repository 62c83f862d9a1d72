"""What is known of a key manager besides what gateways check tokens with: addresses, claims, who may use it, how."""

from __future__ import annotations

from django.db import models

PERMISSIONS = [("PUBLIC", "Everybody"), ("ALLOW", "Only these roles"), ("DENY", "Everybody but these roles")]
TOKEN_TYPES = [
    ("DIRECT", "Direct – gateways take its tokens"),
    ("EXCHANGED", "Exchanged – its tokens are exchanged for ours"),
    ("BOTH", "Both"),
]
ADDRESS = 500


def address(help_text: str) -> models.CharField:
    """A column for an address that may be empty."""
    return models.CharField(max_length=ADDRESS, blank=True, default="", help_text=help_text)


class KeyManagerDetails(models.Model):
    """Abstract: the columns of `KeyManager` that people fill in when they add one that is elsewhere."""

    display_name = models.CharField(max_length=100, blank=True, default="")
    description = models.CharField(max_length=256, blank=True, default="")
    well_known_url = address("Its discovery document; the addresses below are read from there.")
    token_url = address("Where applications get tokens.")
    display_token_url = address("Shown to developers instead of the token endpoint, when given.")
    revoke_url = address("Where tokens are revoked.")
    display_revoke_url = address("Shown to developers instead of the revocation endpoint, when given.")
    userinfo_url = address("OpenID Connect user info.")
    authorize_url = address("Where browsers log in.")
    registration_url = address("Where clients are registered.")
    scope_management_url = address("Where scopes are managed (WSO2 Identity Server).")
    alias = models.CharField(
        max_length=ADDRESS,
        blank=True,
        default="",
        help_text="Audience that its tokens must name; exchanged ones always need one, without alias our token endpoint.",
    )
    certificate_pem = models.TextField(blank=True, default="", help_text="Its certificate (PEM), when it has no JWKS.")
    grant_types = models.JSONField(default=list, blank=True, help_text="Grants that developers may choose.")
    claim_mapping = models.JSONField(default=list, blank=True, help_text="Claims there → claims here.")
    token_validation = models.JSONField(default=list, blank=True, help_text="Which tokens are its own; empty: any.")
    token_type = models.CharField(max_length=10, choices=TOKEN_TYPES, default="DIRECT")
    properties = models.JSONField(default=dict, blank=True, help_text="What its connector needs to know.")
    properties_sealed = models.TextField(
        blank=True, default="", editable=False, help_text="The secret ones of these, encrypted by `vault`."
    )
    permission = models.CharField(max_length=8, choices=PERMISSIONS, default="PUBLIC")
    roles = models.JSONField(default=list, blank=True, help_text="Roles that the permission is about.")
    enable_token_generation = models.BooleanField(default=True, help_text="Test tokens may be made in the portal.")
    enable_app_creation = models.BooleanField(default=True, help_text="The portal registers clients there.")
    enable_mapping = models.BooleanField(default=True, help_text="Developers may use clients that exist there.")
    self_validate = models.BooleanField(
        default=True, help_text="JWTs are checked by keys; off: it is asked about them."
    )
    switches = models.JSONField(default=dict, blank=True, editable=False, help_text="Further switches of the contract.")

    class Meta:
        abstract = True
