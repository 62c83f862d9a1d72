"""APIs made from entries of the service catalog, and brought up to date when the service changes."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apim.accounts.models import User
from apim.accounts.permissions import require_same_organisation
from apim.errors import Conflict, Invalid
from catalog.models import DefinitionType, Service
from publisher import snapshots
from publisher.actions.access import DESIGNERS, locked
from publisher.actions.apis import copy_api, create_api, update_api
from publisher.actions.definitions import merge_operations
from publisher.models import Api
from publisher.openapi.report import Report
from publisher.openapi.validation import validate


def create_from_service(
    *,
    by: User,
    service: Service,
    name: str | None = None,
    context: str | None = None,
    version: str | None = None,
    **fields: Any,
) -> Api:
    """Create an API whose definition and endpoint are the service's. What is not given comes from the service.

    Raises BadDefinition when the service's definition is broken, NotFound for another organisation's service.
    """
    require_same_organisation(by, service.organisation)
    report = _report(service)
    given = {"name": name, "context": context, "version": version, **fields}
    design = {
        **report.suggestion,
        "version": service.version,
        "description": service.description or report.suggestion["description"],
        "endpoints": {"production": {"url": service.url}},
        "definition": service.definition,
        **{key: value for key, value in given.items() if value not in (None, "")},
    }
    return create_api(by=by, service=service, **design)


@transaction.atomic
def reimport_service(*, by: User, api: Api, expected: str = "") -> Api:
    """Take over definition, operations and address of the API's service as they are now.

    Raises Conflict when the API was not made from a service, or that is gone.
    """
    api = locked(by, api, *DESIGNERS, expected=expected)
    if api.service is None:
        raise Conflict(f"{api} was not made from a service of the catalog, or the service is gone.")
    report = _report(api.service)
    Api.objects.filter(pk=api.pk).update(service_md5=api.service.md5)
    production = api.endpoints.get("production", {}) | {"url": api.service.url}
    return update_api(
        by=by,
        api=api,
        definition=api.service.definition,
        operations=merge_operations(snapshots.operations(api), report.suggestion["operations"]),
        endpoints=api.endpoints | {"production": production},
    )


@transaction.atomic
def copy_to_service_version(
    *, by: User, api: Api, version: str, service: Service, default_version: bool = False
) -> Api:
    """A new version of `api` that stands on `service`, another version of the one it was made from."""
    require_same_organisation(by, service.organisation)
    copy = copy_api(by=by, api=api, version=version, default_version=default_version, service=service)
    return reimport_service(by=by, api=copy)


def is_outdated(api: Api) -> bool:
    """Whether the API's service changed since the API took it over."""
    return api.service is not None and api.service.md5 != api.service_md5


def _report(service: Service) -> Report:
    if service.definition_type not in (DefinitionType.OAS2, DefinitionType.OAS3):
        raise Invalid(
            f"The service {service} is described by {service.get_definition_type_display()}; APIs are made from OpenAPI 2 and 3."
        )
    report = validate(service.definition)
    report.raise_if_invalid()
    return report
