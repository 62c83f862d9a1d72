"""REST: /applications/export and /applications/import."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.models import BuiltinRole
from apim.errors import FieldError, Invalid, NotFound
from portal.api import dto
from portal.api.base import asked
from portal.api.scopes import ScopedView
from portal.archive.exporting import export_application
from portal.archive.importing import Options, Outcome, import_application
from portal.models import Application
from publisher.api.archives import archive, zipped
from publisher.archive import texts
from publisher.archive.tree import unpack

SCOPES = ("apim:app_import_export",)


class Export(ScopedView):
    """GET /applications/export."""

    scopes = SCOPES

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """`format` is the contract's own parameter here, and does not choose the form of answers."""
        return super().perform_content_negotiation(request, force=True)

    def get(self, request: Request) -> HttpResponse:
        """The archive of the application `appName` of `appOwner`; others than the caller's only for administrators."""
        name, owner = _required(request, "appName"), _required(request, "appOwner")
        rows = Application.objects.filter(organisation=request.user.organisation_id)
        rows = rows if request.user.has_role(BuiltinRole.ADMIN) else rows.filter(owner=request.user)
        found = rows.filter(name=name, owner__username=owner).select_related("owner", "organisation").first()
        if found is None:
            raise NotFound(f"{owner[:100]} has no application {name[:100]!r}.")
        form = texts.form(asked(request, "format"))
        return zipped(*export_application(application=found, keys=_switch(request, "withKeys"), form=form))


class Import(ScopedView):
    """POST /applications/import."""

    scopes = SCOPES
    parser_classes = [MultiPartParser, FormParser]

    def post(self, request: Request) -> Response:
        """Take in an archive; 207 with the APIs that it could not subscribe to. `dryRun` only says what would be different."""
        options = Options(
            update=_switch(request, "update"),
            preserve_owner=_switch(request, "preserveOwner"),
            owner=asked(request, "appOwner"),
            skip_subscriptions=_switch(request, "skipSubscriptions"),
            skip_keys=_switch(request, "skipApplicationKeys"),
            ignore_tier=_switch(request, "ignoreTier"),
            dry_run=_switch(request, "dryRun"),
        )
        outcome = import_application(by=request.user, tree=unpack(archive(request)), options=options)
        if options.dry_run:
            return Response(_told(outcome))
        if outcome.skipped:
            return Response(_skipped(outcome), status=207)
        headers = {"Location": f"/applications/{outcome.application.pk}"}
        return Response(dto.application_info(outcome.application), headers=headers)


def _told(outcome: Outcome) -> dict[str, Any]:
    done = "created" if outcome.created else "updated"
    return {
        "message": f"Application would be {done}.",
        "created": outcome.created,
        "warnings": outcome.warnings + [reason for _, reason in outcome.skipped],
        "changes": [change.row() for change in outcome.changes],
    }


def _skipped(outcome: Outcome) -> dict[str, Any]:
    """The contract's APIInfoList, with the reason where a description would be."""
    rows = [{**info, "id": "", "description": reason} for info, reason in outcome.skipped]
    pagination = {"offset": 0, "limit": len(rows), "total": len(rows), "next": "", "previous": ""}
    return {"count": len(rows), "list": rows, "pagination": pagination}


def _required(request: Request, name: str) -> str:
    found = asked(request, name)
    if not found:
        raise Invalid(f"The query parameter {name} is missing.", [FieldError(name, "is required")])
    return found


def _switch(request: Request, name: str) -> bool:
    value = asked(request, name).lower()
    if value not in ("", "true", "false"):
        raise Invalid(f"{name}: {value[:40]!r} is neither true nor false.", [FieldError(name, "true or false")])
    return value == "true"
