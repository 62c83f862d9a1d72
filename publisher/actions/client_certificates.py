"""Writes on the client certificates of an API. They count at the gateways at once, whatever revision runs there."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import Conflict, FieldError, Invalid
from apim.eventhub.publish import Change, publish_all
from apim.traffic.models import Level, Policy
from gateway import schema
from publisher import x509
from publisher.actions.access import DESIGNERS, locked
from publisher.models import Api, ClientCertificate

KEY_TYPES = ("PRODUCTION", "SANDBOX")
MOST = 100
"""Client certificates of one API."""


@transaction.atomic
def add_certificate(
    *, by: User, api: Api, alias: str, content: bytes, tier: str, key_type: str = "PRODUCTION"
) -> ClientCertificate:
    """Let holders of a certificate call `api` under the subscription policy `tier`. `content` is PEM or DER.

    Raises Invalid naming the field, Conflict for an alias or a certificate that the API has already, NotFound, Forbidden.
    """
    api = locked(by, api, *DESIGNERS)
    row = ClientCertificate(api=api, alias=alias, key_type=key_type)
    _fill(row, tier, content)
    if api.client_certificates.count() >= MOST:
        raise Conflict(f"{api} has {MOST} client certificates already: delete one first.")
    _save(row)
    audit.record(by, "client_certificate.add", row, after=_values(row), organisation=api.organisation)
    _publish(api, [row])
    return row


@transaction.atomic
def update_certificate(
    *, by: User, certificate: ClientCertificate, content: bytes | None = None, tier: str | None = None
) -> ClientCertificate:
    """Replace a certificate, change its tier, or both; what is None stays. Raises as `add_certificate`."""
    api = locked(by, certificate.api, *DESIGNERS)
    row = ClientCertificate.objects.select_related("api__organisation").get(pk=certificate.pk)
    before = _values(row)
    _fill(row, row.tier if tier is None else tier, content)
    _save(row)
    audit.record(by, "client_certificate.update", row, before=before, after=_values(row), organisation=api.organisation)
    _publish(api, [row])
    return row


@transaction.atomic
def delete_certificate(*, by: User, certificate: ClientCertificate) -> None:
    """Refuse its holder from now on. Raises NotFound, Forbidden."""
    api = locked(by, certificate.api, *DESIGNERS)
    audit.record(
        by, "client_certificate.delete", certificate, before=_values(certificate), organisation=api.organisation
    )
    _publish(api, [certificate], deleted=True)
    certificate.delete()


def withdraw_certificates(api: Api) -> None:
    """Tell gateways that the certificates of `api` are gone; inside the transaction that deletes it."""
    _publish(api, list(api.client_certificates.all()), deleted=True)


def record(certificate: ClientCertificate) -> schema.ClientCertificate:
    """The certificate as gateways see it."""
    return schema.ClientCertificate(
        api=str(certificate.api_id),
        alias=certificate.alias,
        thumbprint=certificate.thumbprint,
        tier=certificate.tier,
        key_type=certificate.key_type,
        pem=certificate.pem,
    )


def _publish(api: Api, rows: list[ClientCertificate], *, deleted: bool = False) -> None:
    domain = api.organisation.domain
    changes = [
        Change("client_certificate", f"{api.pk}:{row.key_type}:{row.alias}", None if deleted else record(row), domain)
        for row in rows
    ]
    if changes:
        publish_all(changes)


def _fill(row: ClientCertificate, tier: str, content: bytes | None) -> None:
    wrong = []
    if not ClientCertificate._meta.get_field("alias").validators[0].regex.fullmatch(row.alias):
        wrong.append(FieldError("alias", "1 to 30 letters, digits, dots, dashes and underscores"))
    if row.key_type not in KEY_TYPES:
        wrong.append(FieldError("keyType", f"{row.key_type!r} is not one of: {', '.join(KEY_TYPES)}"))
    plans = Policy.objects.filter(organisation=row.api.organisation, level=Level.SUBSCRIPTION)
    known = list(plans.values_list("name", flat=True))
    if tier not in known:
        wrong.append(FieldError("tier", f"{tier!r} is not one of: {', '.join(known)}"))
    row.tier = tier
    if content is not None:
        wrong += _read(row, content)
    if wrong:
        raise Invalid("The client certificate is not valid.", wrong)


def _read(row: ClientCertificate, content: bytes) -> list[FieldError]:
    try:
        found = x509.read(content)
    except ValueError as error:
        return [FieldError("certificate", str(error))]
    if x509.ended(found):
        return [FieldError("certificate", f"has ended on {found.not_after:%Y-%m-%d}")]
    for name in ("pem", "thumbprint", "subject", "version", "not_before", "not_after"):
        setattr(row, name, getattr(found, name))
    return []


def _save(row: ClientCertificate) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Conflict(
            f"{row.api} has a client certificate with this alias, or this very certificate, already."
        ) from error


def _values(row: ClientCertificate) -> dict[str, Any]:
    return {"alias": row.alias, "tier": row.tier, "key_type": row.key_type, "thumbprint": row.thumbprint}
