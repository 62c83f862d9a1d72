"""Writes of the portal theme."""

from __future__ import annotations

from django.db import transaction

from apim.accounts import audit
from apim.accounts.actions.roles import may_manage
from apim.accounts.models import BuiltinRole, Organisation, User
from apim.accounts.permissions import require
from apim.configuration import theme_archive
from apim.configuration.models import Theme
from apim.configuration.theme import ThemeDescription
from apim.errors import NotFound


def import_theme(*, by: User, organisation: Organisation, archive: bytes) -> Theme:
    """Put on the theme in a zip archive. Raises Forbidden, Invalid naming the field, TooLarge."""
    description, logo, kind = theme_archive.read(archive)
    return set_theme(by=by, organisation=organisation, description=description, logo=logo, logo_type=kind)


@transaction.atomic
def set_theme(
    *, by: User, organisation: Organisation, description: ThemeDescription, logo: bytes = b"", logo_type: str = ""
) -> Theme:
    """Put on a checked theme with its logo. Raises Forbidden, NotFound for another organisation."""
    _admit(by, organisation)
    row = Theme.objects.select_for_update().filter(organisation=organisation).first() or Theme(
        organisation=organisation
    )
    before = row.description or None
    row.description, row.logo, row.logo_type = description.as_dict(), logo, logo_type
    row.save()
    audit.record(by, "theme.set", row, before=before, after=row.description)
    return row


@transaction.atomic
def remove_theme(*, by: User, organisation: Organisation) -> None:
    """Back to the usual look. Raises Forbidden, NotFound when there is no theme."""
    _admit(by, organisation)
    row = Theme.objects.filter(organisation=organisation).first()
    if row is None:
        raise NotFound("The organisation has no theme.")
    audit.record(by, "theme.remove", row, before=row.description)
    row.delete()


def _admit(by: User, organisation: Organisation) -> None:
    require(by, BuiltinRole.ADMIN)
    may_manage(by, organisation)
    Organisation.objects.select_for_update().get(pk=organisation.pk)
