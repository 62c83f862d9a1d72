"""Every write of the catalog: permission, change and audit row in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog
from django.db import IntegrityError, transaction

from apim.accounts import audit
from apim.accounts.models import BuiltinRole, Organisation, User
from apim.accounts.permissions import require, require_same_organisation
from apim.errors import Conflict, Invalid
from catalog.archive import Entry, fingerprint, read_archive
from catalog.definitions import check_definition
from catalog.metadata import ServiceMetadata, as_document
from catalog.models import Service

log = structlog.get_logger(__name__)
WRITERS = (BuiltinRole.CREATOR, BuiltinRole.INTEGRATION_DEV)
FIXED = ("name", "version", "key", "definition_type")
"""What identifies a service to the APIs made from it; an update must not change it."""


def import_services(
    *, by: User, archive: bytes, verifier: Mapping[str, str] | None = None, overwrite: bool = False
) -> list[Service]:
    """Register every service of the zip, or none. Returns them in the order of their folders.

    An unchanged service is left alone; one with other content is refused without `overwrite`. `verifier` (key to md5)
    is the client's view: the content decides, a difference is only logged. Raises Invalid, Conflict, Forbidden.
    """
    require(by, *WRITERS)
    entries = read_archive(archive)
    for entry in entries:
        stated = (verifier or {}).get(entry.metadata.key, entry.md5)
        if stated != entry.md5:
            log.info("catalog.verifier_differs", key=entry.metadata.key, stated=stated, computed=entry.md5)
    with _exclusively(by):
        return [_import(by, entry, overwrite) for entry in entries]


def create_service(*, by: User, metadata: ServiceMetadata, definition: str) -> Service:
    """Register one service. Raises Invalid for a wrong definition, Conflict when key or name and version are taken."""
    require(by, *WRITERS)
    check_definition(metadata.definition_type, definition)
    with _exclusively(by):
        if _existing(by, metadata):
            raise Conflict(f"The service {metadata.name} {metadata.version} (key {metadata.key}) exists already.")
        return _save(by, Service(organisation=by.organisation), metadata, definition, _own_md5(metadata, definition))


def update_service(*, by: User, service: Service, metadata: ServiceMetadata, definition: str | None = None) -> Service:
    """Change a service; `definition` None keeps it. Raises Invalid when an identifying field changes."""
    require(by, *WRITERS)
    require_same_organisation(by, service.organisation)
    text = service.definition if definition is None else definition
    if not metadata.service_key:
        metadata = metadata.model_copy(update={"service_key": service.key})
    with _exclusively(by):
        service.refresh_from_db()
        _refuse_new_identity(service, metadata)
        check_definition(metadata.definition_type, text)
        return _save(by, service, metadata, text, _own_md5(metadata, text))


def delete_service(*, by: User, service: Service) -> None:
    """Remove a service that no API uses. Raises Conflict naming the number of APIs otherwise."""
    require(by, *WRITERS)
    require_same_organisation(by, service.organisation)
    with _exclusively(by):
        uses = service.apis.count()
        if uses:
            raise Conflict(
                f"The service {service} is used by {uses} API{'s' if uses > 1 else ''} and cannot be deleted."
            )
        audit.record(by, "service.delete", service, before=as_document(service))
        service.delete()


@contextmanager
def _exclusively(by: User) -> Iterator[None]:
    """A transaction that holds the tenant's row, so that two imports cannot both find a service missing."""
    try:
        with transaction.atomic():
            Organisation.objects.select_for_update().get(pk=by.organisation_id)
            yield
    except IntegrityError as error:
        raise Conflict("Another service has the same key, or the same name and version.") from error


def _existing(by: User, metadata: ServiceMetadata) -> Service | None:
    own = Service.objects.filter(organisation=by.organisation)
    found = own.filter(key=metadata.key).first()
    return found or own.filter(name=metadata.name, version=metadata.version).first()


def _import(by: User, entry: Entry, overwrite: bool) -> Service:
    service = _existing(by, entry.metadata)
    if service is None:
        return _save(by, Service(organisation=by.organisation), entry.metadata, entry.definition, entry.md5)
    _refuse_new_identity(service, entry.metadata)
    if service.md5 == entry.md5:
        return service
    if not overwrite:
        raise Conflict(
            f"The service {service} (key {service.key}) exists already; repeat with overwrite=true to replace it."
        )
    return _save(by, service, entry.metadata, entry.definition, entry.md5)


def _refuse_new_identity(service: Service, metadata: ServiceMetadata) -> None:
    for field in FIXED:
        before, after = str(getattr(service, field)), str(getattr(metadata, field))
        if before != after:
            raise Invalid(
                "Cannot update the name or version or key or definition type of an existing service: "
                f"{field} of {service} is {before!r}, not {after!r}."
            )


def _own_md5(metadata: ServiceMetadata, definition: str) -> str:
    return fingerprint(definition.encode(), metadata.model_dump_json().encode())


def _save(by: User, service: Service, metadata: ServiceMetadata, definition: str, md5: str) -> Service:
    before = None if service._state.adding else as_document(service)
    metadata.apply(service)
    service.definition, service.md5, service.updated_by = definition, md5, by.get_username()
    service.created_by = service.created_by or by.get_username()
    service.save()
    action = "service.create" if before is None else "service.update"
    audit.record(by, action, service, before=before, after=as_document(service))
    return service
