"""The REST resources of the service catalog: thin, on actions and queries."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.permissions import require
from apim.accounts.roles import CATALOG_ROLES
from apim.errors import FieldError, Invalid, NotFound
from catalog import queries
from catalog.actions.services import create_service, delete_service, import_services, update_service
from catalog.api import inputs, shapes
from catalog.api.permissions import API_VIEW, VIEW, WRITE, CatalogView
from catalog.archive import write_archive
from catalog.definitions import media_type


class ServicesView(CatalogView):
    """`/services`: list and search, and add one."""

    parser_classes = [MultiPartParser]
    required_scopes = {"GET": (VIEW, API_VIEW), "POST": (WRITE,)}

    def get(self, request: Request) -> Response:
        """A page of the services that match."""
        wanted, part = inputs.search(request), inputs.page(request)
        found = queries.search(request.user, wanted)
        shape = shapes.shrunk_body if inputs.flag(request, "shrink") else shapes.service_body
        rows = [shape(service) for service in found[part.offset : part.offset + part.limit]]
        query = {key: value for key, value in request.query_params.items() if key not in ("offset", "limit")}
        where = {"total": found.count(), "offset": part.offset, "limit": part.limit, "path": "/services"}
        return Response(shapes.page_body(rows, **where, query=query))

    def post(self, request: Request) -> Response:
        """Add a service with its definition."""
        metadata, definition = inputs.metadata(request), inputs.definition(request)
        if definition is None:
            raise Invalid("A definition is required.", [FieldError("definitionFile", "required, or inlineContent")])
        service = create_service(by=request.user, metadata=metadata, definition=definition)
        return Response(shapes.service_body(service), status=status.HTTP_201_CREATED)


class ServiceView(CatalogView):
    """`/services/{serviceId}`."""

    parser_classes = [MultiPartParser]
    required_scopes = {"GET": (VIEW, API_VIEW), "PUT": (WRITE,), "DELETE": (WRITE,)}

    def get(self, request: Request, identifier: str) -> Response:
        """One service."""
        return Response(shapes.service_body(queries.service(request.user, identifier)))

    def put(self, request: Request, identifier: str) -> Response:
        """Change it; without a definition part the definition stays."""
        service = queries.service(request.user, identifier)
        metadata, definition = inputs.metadata(request), inputs.definition(request)
        changed = update_service(by=request.user, service=service, metadata=metadata, definition=definition)
        return Response(shapes.service_body(changed))

    def delete(self, request: Request, identifier: str) -> Response:
        """Remove it, unless APIs use it."""
        delete_service(by=request.user, service=queries.service(request.user, identifier))
        return Response(status=status.HTTP_204_NO_CONTENT)


class DefinitionView(CatalogView):
    """`/services/{serviceId}/definition`."""

    required_scopes = {"GET": (VIEW, API_VIEW)}

    def get(self, request: Request, identifier: str) -> HttpResponse:
        """The definition as it was given."""
        service = queries.service(request.user, identifier)
        return HttpResponse(service.definition, content_type=media_type(service.definition_type, service.definition))


class UsageView(CatalogView):
    """`/services/{serviceId}/usage`."""

    required_scopes = {"GET": (VIEW, API_VIEW)}

    def get(self, request: Request, identifier: str) -> Response:
        """The APIs made from the service."""
        return Response(shapes.usage_body(queries.service(request.user, identifier)))


class ImportView(CatalogView):
    """`/services/import`, which integrators call when they start."""

    parser_classes = [MultiPartParser]
    required_scopes = {"POST": (WRITE,)}

    def post(self, request: Request) -> Response:
        """Register every service of the zip, or none."""
        overwrite, verifier = inputs.flag(request, "overwrite"), inputs.verifier(request)
        services = import_services(
            by=request.user, archive=inputs.archive(request), verifier=verifier, overwrite=overwrite
        )
        body = {"count": len(services), "list": [shapes.info_body(service) for service in services]}
        return Response(body, headers={"ETag": _etag("".join(service.md5 for service in services))})


class ExportView(CatalogView):
    """`/services/export`."""

    required_scopes = {"GET": (VIEW,)}

    def get(self, request: Request) -> HttpResponse:
        """One service as a zip that can be imported."""
        name, version = (request.query_params.get(key, "").replace("\0", "") for key in ("name", "version"))
        missing = [
            FieldError(field, "required") for field, value in (("name", name), ("version", version)) if not value
        ]
        if missing:
            raise Invalid("name and version are required.", missing)
        service = queries.services(request.user).filter(name=name, version=version).first()
        if service is None:
            raise NotFound(f"There is no service {name} {version}.")
        response = HttpResponse(write_archive([service]), content_type="application/zip")
        response["Content-Disposition"] = 'attachment; filename="services.zip"'
        response["ETag"] = _etag(service.md5)
        return response


class SettingsView(CatalogView):
    """`/settings`."""

    def get(self, request: Request) -> Response:
        """The scopes this API knows."""
        require(request.user, *CATALOG_ROLES)
        return Response({"scopes": [VIEW, WRITE]})


def _etag(text: str) -> str:
    return f'"{text[:128]}"'
