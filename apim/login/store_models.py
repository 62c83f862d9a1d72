"""User stores of an organisation: LDAP directories whose people log in with the password they have there."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from apim.accounts.models import Organisation, User
from apim.login.provider_models import Linking


class UserStore(models.Model):
    """An LDAP directory that is asked for people whom the organisation has no password of."""

    linking = Linking.NEVER
    """People of a directory never take over an account that is here already."""

    organisation = models.OneToOneField(Organisation, on_delete=models.CASCADE, related_name="user_store")
    name = models.CharField(max_length=60, default="Directory", help_text="How the audit trail calls it.")
    enabled = models.BooleanField(default=True)
    address = models.CharField(max_length=300, help_text="ldaps://host[:port], or ldap://host[:port] with StartTLS.")
    start_tls = models.BooleanField("StartTLS", default=False)
    certificate_authority = models.TextField(
        blank=True, help_text="PEM certificates that the server's must come from; empty for those the system trusts."
    )
    bind_dn = models.CharField(
        "bind DN", max_length=500, blank=True, help_text="Who searches; empty for anonymous searches."
    )
    sealed_password = models.TextField(blank=True)
    base_dn = models.CharField("base DN", max_length=500, help_text="Where people are, e.g. ou=people,dc=acme,dc=com.")
    user_filter = models.CharField(
        max_length=500, default="(&(objectClass=person)(uid={name}))",
        help_text="Finds a person; {name} stands for what was typed, escaped.",
    )  # fmt: skip
    id_attribute = models.CharField(
        max_length=60, blank=True, help_text="Never changes: entryUUID or objectGUID. Empty: somebody is their DN."
    )
    name_attribute = models.CharField(max_length=60, default="uid", help_text="Name of new accounts.")
    email_attribute = models.CharField(max_length=60, default="mail", blank=True)
    groups_attribute = models.CharField(
        max_length=60, default="memberOf", blank=True, help_text="Lists the groups; empty: roles are given here."
    )
    role_mapping = models.JSONField(
        default=dict, blank=True,
        help_text='Group as the attribute names it → role here, e.g. {"cn=api,ou=groups,dc=acme": "Internal/creator"}.',
    )  # fmt: skip
    default_roles = models.JSONField(default=list, blank=True, help_text="Roles of new accounts besides mapped ones.")
    creates_users = models.BooleanField(default=True, help_text="Unknown people get an account at their first log-in.")
    timeout = models.PositiveSmallIntegerField(
        "time-out", default=5, validators=[MinValueValidator(1), MaxValueValidator(30)],
        help_text="Seconds that a log-in waits for the directory, all steps together.",
    )  # fmt: skip

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def roles_claim(self) -> str:
        """What people's groups are called among the claims about them."""
        return self.groups_attribute


class DirectoryIdentity(models.Model):
    """`subject` of a user store is `user`."""

    provider = models.ForeignKey(UserStore, on_delete=models.CASCADE, related_name="identities")
    subject = models.CharField(max_length=255)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="directory_identities")

    class Meta:
        verbose_name_plural = "directory identities"
        constraints = [models.UniqueConstraint(fields=["provider", "subject"], name="directory_identity_once")]

    def __str__(self) -> str:
        return f"{self.subject} of {self.provider}"
