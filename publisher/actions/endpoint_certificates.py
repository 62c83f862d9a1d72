"""Certificates that gateways trust for backends: upload, replace, delete. Gateways are told at once."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.accounts.permissions import require, require_same_organisation
from apim.errors import Conflict
from apim.eventhub.publish import take_turn
from publisher import backends, records
from publisher.actions.access import DESIGNERS, locked_organisation
from publisher.checks.basics import Problems, matching, shown, text
from publisher.models import Api, Deployment, EndpointCertificate

MOST_BYTES = 64 * 1024
MOST = 500
_ALIAS = EndpointCertificate._meta.get_field("alias").validators[0].regex  # type: ignore[union-attr]


@transaction.atomic
def add_certificate(*, by: User, alias: str, endpoint: str, content: bytes) -> EndpointCertificate:
    """Trust a certificate (PEM or DER) for the backends at `endpoint`. Raises Invalid, Conflict for an alias in use."""
    require(by, *DESIGNERS)
    organisation = locked_organisation(by)
    problems = Problems()
    alias = matching(problems, "alias", alias, _ALIAS, "Letters, digits and . _ - only; 30 at most.", most=30)
    endpoint = _endpoint(problems, endpoint)
    parsed = _parsed(problems, content)
    problems.raise_any()
    if organisation.endpoint_certificates.filter(alias__iexact=alias).exists():
        raise Conflict(f"There is a certificate {alias!r} already.")
    if organisation.endpoint_certificates.count() >= MOST:
        raise Conflict(f"An organisation has at most {MOST} certificates.")
    row = EndpointCertificate(organisation=organisation, alias=alias, endpoint=endpoint, **parsed)
    row.save()
    audit.record(by, "endpoint_certificate.create", row, after=_for_audit(row))
    _announce(row)
    return row


@transaction.atomic
def replace_certificate(*, by: User, certificate: EndpointCertificate, content: bytes) -> EndpointCertificate:
    """The same alias and endpoint with another certificate. Raises Invalid."""
    row = _locked(by, certificate)
    problems = Problems()
    parsed = _parsed(problems, content)
    problems.raise_any()
    before = _for_audit(row)
    for name, value in parsed.items():
        setattr(row, name, value)
    row.save()
    audit.record(by, "endpoint_certificate.update", row, before=before, after=_for_audit(row))
    _announce(row)
    return row


@transaction.atomic
def delete_certificate(*, by: User, certificate: EndpointCertificate) -> None:
    """Trust it no longer. Backends that are trusted by nothing else get no calls any more."""
    row = _locked(by, certificate)
    audit.record(by, "endpoint_certificate.delete", row, before=_for_audit(row))
    row.delete()
    _announce(row)


def users_of(certificate: EndpointCertificate) -> list[Api]:
    """The APIs with a backend at the certificate's host, by name."""
    apis = Api.objects.filter(organisation=certificate.organisation_id).defer("definition").order_by("name", "version")
    return [api for api in apis if backends.concerned(api.endpoints, certificate.endpoint)]


def _announce(row: EndpointCertificate) -> None:
    """Tells gateways every deployment whose revision has a backend at the certificate's host."""
    found = Deployment.objects.filter(api__organisation=row.organisation_id)
    for deployment in found.select_related("api", "api__organisation", "revision", "environment"):
        snapshot = deployment.revision.snapshot
        sources = [source.get("endpoints", {}) for source in snapshot.get("sources", {}).values()]
        if any(backends.concerned(endpoints, row.endpoint) for endpoints in (snapshot["endpoints"], *sources)):
            records.announce(deployment)


def _locked(by: User, certificate: EndpointCertificate) -> EndpointCertificate:
    require_same_organisation(by, certificate.organisation)
    require(by, *DESIGNERS)
    take_turn()
    return (
        EndpointCertificate.objects.select_for_update(of=("self",))
        .select_related("organisation")
        .get(pk=certificate.pk)
    )


def _endpoint(problems: Problems, endpoint: str) -> str:
    endpoint = text(problems, "endpoint", endpoint, most=500, least=1).strip()
    try:
        host, _ = backends.place(endpoint)
    except ValueError:
        host = ""
    if endpoint and (not host or "@" in endpoint or any(character.isspace() for character in endpoint)):
        problems.add("endpoint", f"{shown(endpoint)} is neither an address, as https://host/path, nor a host name.")
    return endpoint


def _parsed(problems: Problems, content: bytes) -> dict[str, Any]:
    """The columns of a certificate."""
    if not content or len(content) > MOST_BYTES:
        problems.add("certificate", f"Must be a file of 1 to {MOST_BYTES} bytes.")
        return {}
    try:
        found = (
            x509.load_pem_x509_certificate(content)
            if b"-----BEGIN" in content
            else x509.load_der_x509_certificate(content)
        )
    except ValueError:
        problems.add("certificate", "Is not an X.509 certificate (PEM or DER).")
        return {}
    return {
        "pem": found.public_bytes(Encoding.PEM).decode(),
        "subject": found.subject.rfc4514_string()[:500],
        "serial": f"{found.serial_number:x}",
        "not_before": found.not_valid_before_utc,
        "not_after": found.not_valid_after_utc,
    }


def _for_audit(row: EndpointCertificate) -> dict[str, Any]:
    return {"alias": row.alias, "endpoint": row.endpoint, "subject": row.subject, "serial": row.serial}
