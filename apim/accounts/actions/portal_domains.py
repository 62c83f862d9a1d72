"""Host names of an organisation's own for its pages: added, shown to be theirs by a DNS record, removed."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from apim.accounts import audit, hosts
from apim.accounts.actions.roles import may_manage
from apim.accounts.models import DOMAIN, Organisation, PortalDomain, User
from apim.accounts.permissions import require
from apim.errors import Conflict, FieldError, Invalid

RECORD = "_apim-portal"
"""Label of the TXT record below the host name that holds the token."""

MOST = 10
SECONDS = 5.0


@transaction.atomic
def add_domain(*, by: User, organisation: Organisation, host: str) -> PortalDomain:
    """A host name that the organisation says is its own. It answers nothing before `verify_domain`.

    Raises Invalid, Conflict when the organisation has it or ten others, NotFound for another organisation.
    """
    require(by)
    may_manage(by, organisation)
    host = host.strip().lower().rstrip(".")
    _check(host)
    if organisation.portal_domains.count() >= MOST:
        raise Conflict(f"{organisation} has {MOST} portal domains already.")
    row = PortalDomain(organisation=organisation, host=host, token=secrets.token_hex(20))
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Conflict(f"{organisation} has {host} already.", [FieldError("host", "is there already")]) from error
    audit.record(by, "portal_domain.create", row, after={"host": host})
    return row


def verify_domain(*, by: User, domain: PortalDomain) -> PortalDomain:
    """Look for the token in the DNS and open the host name. Raises Invalid when it is not there, Conflict when taken."""
    require(by)
    may_manage(by, domain.organisation)
    name = f"{RECORD}.{domain.host}"
    if domain.token not in texts(name):
        raise Invalid(
            f"There is no TXT record at {name} with the value {domain.token}.",
            [FieldError("host", "not shown to be yours")],
        )
    return _verified(by, domain)


@transaction.atomic
def _verified(by: User, domain: PortalDomain) -> PortalDomain:
    domain.verified = timezone.now()
    try:
        with transaction.atomic():
            domain.save(update_fields=["verified"])
    except IntegrityError as error:
        raise Conflict(f"{domain.host} is another organisation's.") from error
    hosts.forget()
    audit.record(by, "portal_domain.verify", domain, after={"host": domain.host})
    return domain


@transaction.atomic
def remove_domain(*, by: User, domain: PortalDomain) -> None:
    """Its pages answer there no more."""
    require(by)
    may_manage(by, domain.organisation)
    audit.record(by, "portal_domain.delete", domain, before={"host": domain.host})
    domain.delete()
    hosts.forget()


def texts(name: str) -> set[str]:
    """The TXT records of `name`; none when there are none or the DNS does not answer in time."""
    import dns.exception  # noqa: PLC0415 - asked once in a while, needed by no other process
    import dns.resolver  # noqa: PLC0415

    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=SECONDS)
    except dns.exception.DNSException:
        return set()
    return {b"".join(row.strings).decode("utf-8", "replace") for row in answer}


def _check(host: str) -> None:
    try:
        DOMAIN(host)
    except ValidationError as error:
        raise Invalid("That is no host name.", [FieldError("host", text) for text in error.messages]) from error
    if "." not in host or host.replace(".", "").isdigit() or host == urlsplit(settings.APIM.public).hostname:
        raise Invalid("That host name cannot be had.", [FieldError("host", "give a full name that is your own")])
