"""Create, update, copy and delete APIs."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import Organisation, User
from apim.accounts.permissions import require, require_same_organisation
from apim.errors import FieldError, Invalid
from apim.eventhub.publish import publish
from apim.traffic.models import Level, Policy
from apim.workflows.actions.tasks import withdraw
from catalog.models import Service
from publisher import backends, hooks, kinds, records, snapshots
from publisher.actions.access import DESIGNERS, locked, locked_organisation
from publisher.actions.client_certificates import withdraw_certificates
from publisher.actions.documents import copy_documents
from publisher.actions.thumbnails import copy_thumbnail
from publisher.asyncapi.writing import in_step as asyncapi_in_step
from publisher.checks import Problems, identity
from publisher.checks.basics import flag
from publisher.checks.design import Design
from publisher.errors import InUse
from publisher.models import Api, ApiCategory, LifecycleEvent, State
from publisher.openapi import writing
from publisher.policies.uses import copy_policies
from publisher.products import products_of

DEFAULTS = {
    "transports": ["http", "https"],
    "security": ["oauth2", "oauth_basic_auth_api_key_mandatory"],
    "operations": [],
}

_NOT_COPIED = ("version", "provider", "sources")

WRITERS = {"openapi": writing.in_step, "asyncapi": asyncapi_in_step}
"""Definitions that are brought in step with operations changed by hand."""


@transaction.atomic
def create_api(
    *,
    by: User,
    name: str,
    context: str,
    version: str,
    service: Service | None = None,
    kind: str = "HTTP",
    provider: User | None = None,
    **fields: Any,
) -> Api:
    """Create an API in state CREATED; it is `provider`'s, who may be somebody else only where `by` is an administrator.
    `fields` are those of `checks.design.CHECKS`; without operations it gets its kind's.

    Raises Invalid naming every wrong field, Taken when name and version or context exist already.
    """
    require(by, *DESIGNERS)
    # Two creations at once cannot take one context.
    organisation = locked_organisation(by)
    problems = Problems()
    who = {
        "name": identity.name(problems, name),
        "version": identity.version(problems, version),
        "context": identity.context(problems, context, organisation),
    }
    clean = Design(organisation, problems, kind).check(
        DEFAULTS | {key: value for key, value in fields.items() if value is not None}
    )
    problems.raise_any()
    identity.refuse_taken(organisation, **who)
    links = {"service": service, "service_md5": service.md5 if service else ""}
    if provider is not None and provider != by:
        require(by)
        require_same_organisation(by, provider.organisation)
    api = Api(organisation=organisation, provider=provider or by, kind=kind, **who, **links, **_columns(clean))
    _write(api, clean)
    LifecycleEvent.objects.create(api=api, after=State.CREATED, user=by.get_username())
    audit.record(by, "api.create", api, after=snapshots.for_audit(api))
    return api


@transaction.atomic
def update_api(*, by: User, api: Api, expected: str = "", **changes: Any) -> Api:
    """Change the named fields of `api` (those of `checks.design.CHECKS`) and return its fresh row.

    What gateways run changes only with the next deployed revision. `expected` is the entity tag the caller saw.
    Raises Invalid naming every wrong field, PreconditionFailed when somebody was faster.
    """
    api = locked(by, api, *DESIGNERS, expected=expected)
    problems = Problems()
    if "endpoints" in changes:
        changes["endpoints"] = backends.kept(api.endpoints, changes["endpoints"])
    clean = Design(api.organisation, problems, api.kind, api).check(changes)
    if clean.get("visibility", api.visibility) == "RESTRICTED" and not clean.get("visible_roles", api.visible_roles):
        problems.add("visible_roles", "Name at least one role when the visibility is RESTRICTED.")
    problems.raise_any()
    before = snapshots.for_audit(api)
    for name, value in _columns(clean).items():
        setattr(api, name, value)
    _write(api, clean)
    if {"is_default_version", "subscription_availability"} & clean.keys():
        records.announce_all(api)
    audit.record(by, "api.update", api, before=before, after=snapshots.for_audit(api))
    return api


@transaction.atomic
def delete_api(*, by: User, api: Api, expected: str = "") -> None:
    """Delete `api` with its revisions and withdraw it from gateways. Raises InUse while subscriptions or products need it."""
    api = locked(by, api, *DESIGNERS, expected=expected)
    count = hooks.usage(api)
    if count:
        raise InUse(f"{api} has {count} subscription{'s' if count > 1 else ''}; remove them or retire the API first.")
    holders = products_of(api)
    if holders:
        raise InUse(f"{api} has resources in {', '.join(map(str, holders[:5]))}; take them out of the product first.")
    for deployment in api.deployments.select_related("environment"):
        records.withdraw(api, deployment.environment)
    withdraw_certificates(api)
    withdraw(by=by, subject=api)
    publish("log_level", str(api.pk), None, organisation=api.organisation.domain)
    audit.record(by, "api.delete", api, before=snapshots.for_audit(api))
    api.deployments.all().delete()
    api.delete()


@transaction.atomic
def copy_api(*, by: User, api: Api, version: str, default_version: bool = False, service: Service | None = None) -> Api:
    """A new version of `api` in state CREATED, with the same design and context. `service` replaces its service."""
    locked_organisation(by)
    source = locked(by, api, *DESIGNERS)
    if source.version == version:
        raise Invalid(
            f"{version} is the version of the API itself.", [FieldError("version", "Choose another version.")]
        )
    problems = Problems()
    is_default = flag(problems, "is_default_version", default_version)
    problems.raise_any()
    design = {name: value for name, value in snapshots.take(source).items() if name not in _NOT_COPIED}
    design = keep_known(source.organisation, design)
    copied = create_api(
        by=by,
        version=version,
        service=service or source.service,
        kind=source.kind,
        is_default_version=is_default,
        **design,
    )
    copy_policies(source, copied)
    copy_documents(source, copied)
    copy_thumbnail(source, copied)
    return copied


def keep_known(organisation: Organisation, design: dict[str, Any]) -> dict[str, Any]:
    """`design` (a snapshot) without plans and limits that were deleted since it was taken."""
    known = set(Policy.objects.filter(organisation=organisation).values_list("level", "name"))
    plans = [name for name in design["plans"] if (Level.SUBSCRIPTION, name) in known]
    operations = [
        operation if (Level.API, operation["policy"]) in known else operation | {"policy": ""}
        for operation in design["operations"]
    ]
    policy = design["policy"] if (Level.API, design["policy"]) in known else ""
    headings = ApiCategory.objects.filter(organisation=organisation, name__in=design.get("categories", ()))
    categories = list(headings.values_list("name", flat=True))
    return design | {"categories": categories, "plans": plans, "operations": operations, "policy": policy}


def _columns(clean: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in clean.items() if name not in ("plans", "categories", "operations")}


def _write(api: Api, clean: dict[str, Any]) -> None:
    writer = WRITERS.get(kinds.of(api.kind).document)
    if "operations" in clean and "definition" not in clean and api.definition and writer is not None:
        api.definition = writer(api.definition, clean["operations"])
    api.save()
    if "plans" in clean:
        api.plans.set(
            Policy.objects.filter(organisation=api.organisation, level=Level.SUBSCRIPTION, name__in=clean["plans"])
        )
    if "categories" in clean:
        api.categories.set(ApiCategory.objects.filter(organisation=api.organisation, name__in=clean["categories"]))
    if "operations" in clean:
        snapshots.put_operations(api, clean["operations"])
    if api.is_default_version:
        _take_over_default(api)


def _take_over_default(api: Api) -> None:
    """One version of a name is the default; the gateways of the previous one are told."""
    siblings = Api.objects.select_for_update(of=("self",)).select_related("organisation")
    for other in siblings.filter(organisation=api.organisation, name__iexact=api.name, is_default_version=True).exclude(
        pk=api.pk
    ):
        other.is_default_version = False
        other.save(update_fields=["is_default_version", "updated"])
        records.announce_all(other)
