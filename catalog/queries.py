"""What of the catalog a user may see: only the services of the user's organisation."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from apim.accounts.models import User
from apim.accounts.permissions import require
from apim.accounts.roles import CATALOG_ROLES
from apim.errors import FieldError, Invalid, NotFound
from catalog.models import DefinitionType, Service

SORT_FIELDS = {"name": "name", "definitionType": "definition_type"}


@dataclass(frozen=True)
class Search:
    """Filters of the contract. `name` and `version` match a part, or all of it inside double quotes."""

    name: str = ""
    version: str = ""
    definition_type: str = ""
    keys: tuple[str, ...] = ()
    sort_by: str = "name"
    descending: bool = False


def services(by: User) -> QuerySet[Service]:
    """The services `by` may see, each with the number of APIs that use it as `usage`. Raises Forbidden."""
    require(by, *CATALOG_ROLES)
    return (
        Service.objects.filter(organisation=by.organisation).annotate(usage=Count("apis")).order_by("name", "version")
    )


def service(by: User, identifier: object) -> Service:
    """The service with this id. Raises NotFound, also for another organisation's."""
    try:
        wanted = uuid.UUID(str(identifier))
    except ValueError:
        raise NotFound(f"There is no service {identifier}.") from None
    found = services(by).filter(pk=wanted).first()
    if found is None:
        raise NotFound(f"There is no service {identifier}.")
    return found


def search(by: User, wanted: Search) -> QuerySet[Service]:
    """Services that match every filter given. Raises Invalid for an unknown definition type."""
    found = services(by).filter(_text("name", wanted.name), _text("version", wanted.version))
    if wanted.definition_type:
        found = found.filter(definition_type__in=_types(wanted.definition_type))
    if wanted.keys:
        found = found.filter(key__in=wanted.keys)
    field = SORT_FIELDS[wanted.sort_by]
    return found.order_by(f"-{field}" if wanted.descending else field, "name", "version")


def _text(field: str, value: str) -> Q:
    if not value:
        return Q()
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return Q(**{field: value[1:-1]})
    return Q(**{f"{field}__icontains": value})


def _types(value: str) -> list[str]:
    if value == "OAS":
        return [DefinitionType.OAS2, DefinitionType.OAS3]
    if value not in DefinitionType.values:
        allowed = ", ".join(["OAS", *DefinitionType.values])
        raise Invalid(
            f"definitionType is one of {allowed}, not {value!r}.", [FieldError("definitionType", f"one of {allowed}")]
        )
    return [value]
