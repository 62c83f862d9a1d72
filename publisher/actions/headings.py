"""API categories and labels of gateways: named by administrators."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import IntegrityError, transaction

from apim.accounts import audit
from apim.accounts.actions.roles import may_manage
from apim.accounts.models import BuiltinRole, Organisation, User
from apim.accounts.permissions import require
from apim.errors import Conflict, NotFound
from publisher.checks import Problems
from publisher.checks.basics import names, text
from publisher.models import ApiCategory, Label

Row = TypeVar("Row", ApiCategory, Label)


def save_category(
    *, by: User, organisation: Organisation, name: Any, description: Any = "", category: ApiCategory | None = None
) -> ApiCategory:
    """Add a category, or change `category`; APIs in it stay in it. Raises Invalid naming the field, Conflict for a taken name."""
    return _save(by, organisation, ApiCategory, category, "category", name, description)


def save_label(
    *,
    by: User,
    organisation: Organisation,
    name: Any,
    description: Any = "",
    access_urls: Any = (),
    label: Label | None = None,
) -> Label:
    """Add a label, or change `label`. Raises Invalid naming the field, Conflict for a taken name."""
    return _save(by, organisation, Label, label, "label", name, description, access_urls=access_urls)


@transaction.atomic
def delete_category(*, by: User, category: ApiCategory) -> None:
    """Delete a category. Raises Conflict while APIs are in it."""
    _admit(by, category.organisation)
    count = category.apis.count()
    if count:
        raise Conflict(f"{category} has {count} API{'s' if count > 1 else ''}; take them out of it first.")
    audit.record(by, "category.delete", category, before=_values(category))
    category.delete()


@transaction.atomic
def delete_label(*, by: User, label: Label) -> None:
    """Delete a label."""
    _admit(by, label.organisation)
    audit.record(by, "label.delete", label, before=_values(label))
    label.delete()


@transaction.atomic
def _save(
    by: User, organisation: Organisation, model: type[Row], present: Row | None, word: str, name: Any, description: Any,
    **more: Any,
) -> Row:  # fmt: skip
    _admit(by, organisation)
    problems = Problems()
    row = model(organisation=organisation) if present is None else _locked(model, present)
    before = None if present is None else _values(row)
    row.name = text(problems, "name", name, most=255, least=1).strip()
    row.description = text(problems, "description", description, most=1024)
    if "access_urls" in more:
        row.access_urls = names(problems, "access_urls", more["access_urls"] or [], most=2000)
    problems.raise_any()
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Conflict(f"There is a {word} {row.name!r} already.") from error
    audit.record(by, f"{word}.{'create' if present is None else 'update'}", row, before=before, after=_values(row))
    return row


def _locked(model: type[Row], row: Row) -> Row:
    found = model.objects.select_for_update().filter(pk=row.pk).first()
    if found is None:
        raise NotFound(f"There is no {row} any more.")
    return found


def _admit(by: User, organisation: Organisation) -> None:
    require(by, BuiltinRole.ADMIN)
    may_manage(by, organisation)


def _values(row: ApiCategory | Label) -> dict[str, Any]:
    shown = {"name": row.name, "description": row.description}
    return shown | ({"access_urls": row.access_urls} if isinstance(row, Label) else {})
