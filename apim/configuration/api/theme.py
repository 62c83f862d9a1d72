"""/tenant-theme."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from apim.accounts.rest_admin import Resource, wrong
from apim.configuration import theme_archive
from apim.configuration.actions.theme import import_theme
from apim.configuration.models import Theme
from apim.configuration.theme import ThemeDescription
from apim.errors import NotFound

MANAGE = ("apim:admin", "apim:tenant_theme_manage")


class TenantTheme(Resource):
    """GET and PUT of the portal's theme as a zip archive."""

    parser_classes = [MultiPartParser]
    see = manage = MANAGE

    def get(self, request: Request) -> HttpResponseBase:
        """The theme; 404 when none was put on."""
        row = Theme.objects.filter(organisation=request.user.organisation).first()
        if row is None:
            raise NotFound("The organisation has no theme.")
        archive = theme_archive.write(ThemeDescription(**row.description), bytes(row.logo), row.logo_type)
        response = HttpResponse(archive, content_type="application/zip")
        response["Content-Disposition"] = 'attachment; filename="tenant-theme.zip"'
        return response

    def put(self, request: Request) -> HttpResponse:
        """Put on the theme in the part `file`."""
        upload = request.FILES.get("file")
        if upload is None:
            raise wrong("file", "is required")
        if upload.size > theme_archive.LARGEST:
            raise theme_archive.TooLarge(f"file has {upload.size} bytes; at most {theme_archive.LARGEST} are allowed.")
        import_theme(by=request.user, organisation=request.user.organisation, archive=upload.read())
        return HttpResponse(status=200)
