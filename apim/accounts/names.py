"""User names in the platform: `alice` in the first organisation, `alice@acme.com` in any other."""

from __future__ import annotations

from django.core.validators import RegexValidator

from apim.accounts.models import SUPER_TENANT, Organisation

LOCAL_NAME = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._-]{2,63}\Z", "Use 3 to 64 letters, digits, dots, dashes and underscores."
)
"""The part before the domain, as people choose it."""


def full_name(local: str, organisation: Organisation) -> str:
    """The platform-wide name of `local` in `organisation`."""
    return local if organisation.is_super else f"{local}@{organisation.domain}"


def canonical(given: str, organisation: Organisation | None) -> str:
    """The stored name for what somebody typed: the first organisation's domain is dropped, a tenant's is added.

    `organisation` is the tenant whose log-in page it is; None where the name alone must tell.
    """
    given = given.strip()
    if given.endswith("@" + SUPER_TENANT):
        return given.removesuffix("@" + SUPER_TENANT)
    if organisation is None or organisation.is_super or "@" in given:
        return given
    return full_name(given, organisation)


def local_name(username: str) -> str:
    """`alice` of `alice@acme.com`."""
    return username.rsplit("@", 1)[0]
