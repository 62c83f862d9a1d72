"""External stores: which there are, and APIs shown there. Calls of a store are made outside of any transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import BuiltinRole, Organisation, User
from apim.accounts.permissions import require, require_same_organisation
from apim.errors import Conflict, FieldError, Invalid
from apim.keymanager import vault
from publisher.actions.access import PUBLISHERS, open_to
from publisher.actions.definitions import definition_text
from publisher.checks import Problems
from publisher.checks.basics import matching, text
from publisher.checks.endpoints import http_url
from publisher.checks.identity import full_path
from publisher.models import Api, ExternalStore, State, StorePublication
from publisher.stores import Store

MOST = 20
"""External stores of one organisation."""

_NAME = ExternalStore._meta.get_field("name").validators[0].regex


@transaction.atomic
def save_store(
    *, by: User, organisation: Organisation, store: ExternalStore | None = None, **fields: Any
) -> ExternalStore:
    """Add an external store, or change `store`: name (new ones only), display_name, endpoint, username, password.

    An empty password stays what it was. Raises Invalid naming every wrong field, Conflict for a name in use, Forbidden.
    """
    require(by, BuiltinRole.ADMIN)
    if not by.is_superuser:
        require_same_organisation(by, organisation)
    problems = Problems()
    row = store or ExternalStore(organisation=organisation)
    if store is None:
        row.name = matching(problems, "name", fields.get("name"), _NAME, "Letters, digits and . _ - only.", most=60)
    if "display_name" in fields or store is None:
        row.display_name = text(problems, "display_name", fields.get("display_name") or row.name, most=120)
    if "endpoint" in fields or store is None:
        row.endpoint = http_url(problems, "endpoint", fields.get("endpoint")).rstrip("/")[:500]
    if "username" in fields or store is None:
        row.username = text(problems, "username", fields.get("username"), most=254, least=1)
    password = text(problems, "password", fields.get("password"), most=500, least=0 if row.password else 1)
    problems.raise_any()
    if store is None and organisation.external_stores.filter(name=row.name).exists():
        raise Conflict(f"There is an external store {row.name} already.")
    if store is None and organisation.external_stores.count() >= MOST:
        raise Conflict(f"An organisation has at most {MOST} external stores.")
    if password:
        row.password = vault.seal(password)
    row.save()
    audit.record(by, "external_store.save", row, after=_values(row), organisation=organisation)
    return row


@transaction.atomic
def delete_store(*, by: User, store: ExternalStore) -> None:
    """Forget a store. APIs it shows stay there. Raises Forbidden."""
    require(by, BuiltinRole.ADMIN)
    if not by.is_superuser:
        require_same_organisation(by, store.organisation)
    audit.record(by, "external_store.delete", store, before=_values(store), organisation=store.organisation)
    store.delete()


def publish_to_stores(
    *, by: User, api: Api, names: Iterable[str], properties: dict[str, Any]
) -> list[StorePublication]:
    """Show `api` in exactly the stores of these names: created, brought up to date, or taken away there.

    `properties` is the contract's API. A store that fails leaves those before it done. Raises Invalid for an unknown store,
    Conflict unless the API is published, StoreFailed.
    """
    require_same_organisation(by, api.organisation)
    require(by, *PUBLISHERS)
    if not open_to(by, api):
        require(by)
    known = {
        row.name: row
        for row in ExternalStore.objects.filter(organisation=api.organisation).select_related("organisation")
    }
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            message = f"{name[:60]!r} is not one of {', '.join(known) or 'none: no external store is configured'}."
            raise Invalid(message, [FieldError("externalStoreIds", message)])
    if wanted and api.state != State.PUBLISHED:
        raise Conflict(f"{api} is {api.get_state_display()}; only published APIs are shown in external stores.")
    shown = {row.store.name: row for row in api.publications.select_related("store__organisation")}
    for name in shown.keys() - set(wanted):
        _withdraw(by, api, shown[name])
    for name in wanted:
        _show(by, api, known[name], shown.get(name), advertised(api, properties))
    return list(api.publications.select_related("store"))


def advertised(api: Api, properties: dict[str, Any]) -> dict[str, Any]:
    """The design as the other store gets it: an API that is served here and leads back here."""
    deployment = api.deployments.select_related("environment").first()
    base = deployment.environment.https_url.rstrip("/") if deployment is not None else settings.APIM.gateway
    prefix = api.organisation.prefix
    address = f"{base}{prefix}{full_path(api.context, api.version)}"
    kept = ("name", "version", "description", "tags", "transport", "operations", "businessInformation", "displayName")
    found = {name: properties[name] for name in kept if name in properties}
    found["operations"] = [
        {name: one[name] for name in ("verb", "target") if name in one} for one in found.get("operations", [])
    ]
    return found | {
        "context": api.context,
        "type": "HTTP",
        "endpointConfig": {"endpoint_type": "http", "production_endpoints": {"url": address}},
        "advertiseInfo": {
            "advertised": True,
            "apiExternalProductionEndpoint": address,
            "originalDevPortalUrl": f"{settings.APIM.public}{prefix}/devportal/apis/{api.pk}",
            "apiOwner": api.provider.get_username(),
            "vendor": "WSO2",
        },
    }


def _show(by: User, api: Api, store: ExternalStore, row: StorePublication | None, design: dict[str, Any]) -> None:
    definition = definition_text(api)
    with Store(store) as there:
        # A publication whose answer was lost is found again by name, so that repeating it makes no second API.
        identifier = there.find(api.name, api.version)
        if identifier:
            there.update(identifier, design, definition)
        else:
            identifier = there.create(design, definition)
        there.publish(identifier)
    with transaction.atomic():
        StorePublication.objects.update_or_create(api=api, store=store, defaults={"remote_id": identifier})
        verb = "external_store.update" if row is not None else "external_store.publish"
        audit.record(by, verb, api, after={"store": store.name, "id": identifier}, organisation=api.organisation)


def _withdraw(by: User, api: Api, row: StorePublication) -> None:
    with Store(row.store) as there:
        if there.find(api.name, api.version) == row.remote_id:
            there.delete(row.remote_id)
    with transaction.atomic():
        audit.record(
            by, "external_store.withdraw", api, before={"store": row.store.name}, organisation=api.organisation
        )
        row.delete()


def _values(row: ExternalStore) -> dict[str, Any]:
    return {"name": row.name, "endpoint": row.endpoint, "username": row.username}
