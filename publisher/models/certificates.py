"""Certificates of backends that gateways trust, and of callers that show themselves."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models

from apim.accounts.models import Organisation
from apim.traffic.models import UNLIMITED
from publisher.models.apis import Api


class EndpointCertificate(models.Model):
    """A certificate that gateways trust for backends at one host. `endpoint`: an address, or only a host."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="endpoint_certificates")
    alias = models.CharField(max_length=30, validators=[RegexValidator(r"^[A-Za-z0-9._-]{1,30}$")])
    endpoint = models.CharField(max_length=500)
    pem = models.TextField(editable=False)
    subject = models.CharField(max_length=500, editable=False)
    serial = models.CharField(max_length=60, editable=False)
    not_before = models.DateTimeField(editable=False)
    not_after = models.DateTimeField(editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["alias"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "alias"], name="endpoint_certificate_unique_alias")
        ]

    def __str__(self) -> str:
        return self.alias


class ClientCertificate(models.Model):
    """A certificate with which callers of an API may show themselves (mutual TLS). `tier` names a subscription policy."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="client_certificates")
    alias = models.CharField(max_length=30, validators=[RegexValidator(r"^[A-Za-z0-9._-]{1,30}$")])
    key_type = models.CharField(max_length=12, default="PRODUCTION")
    tier = models.CharField(max_length=60, default=UNLIMITED)
    pem = models.TextField(editable=False)
    thumbprint = models.CharField(max_length=64, editable=False)
    subject = models.CharField(max_length=500, editable=False)
    version = models.CharField(max_length=4, editable=False)
    not_before = models.DateTimeField(editable=False)
    not_after = models.DateTimeField(editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["alias"]
        constraints = [
            models.UniqueConstraint(fields=["api", "alias"], name="client_certificate_unique_alias"),
            models.UniqueConstraint(fields=["api", "thumbprint"], name="client_certificate_unique_thumbprint"),
        ]

    def __str__(self) -> str:
        return self.alias
