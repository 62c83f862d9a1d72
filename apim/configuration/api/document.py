"""/tenant-config and /tenant-config-schema."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.rest_admin import Resource
from apim.configuration import document
from apim.configuration.actions.document import write_configuration
from apim.errors import ApimError


class TooLarge(ApimError):
    """The body is longer than a configuration may be."""

    status, code, message = 413, 900413, "Payload Too Large"


class Configuration(Resource):
    """GET and PUT of the whole document."""

    def get(self, request: Request) -> Response:
        """As it stands; the defaults when nobody wrote one."""
        return Response(document.current(request.user.organisation))

    def put(self, request: Request) -> Response:
        """Replace it; what is not understood is kept."""
        if len(request._request.body) > document.LARGEST:
            raise TooLarge(f"A configuration has at most {document.LARGEST} bytes.")
        content = write_configuration(by=request.user, organisation=request.user.organisation, content=request.data)
        return Response(content)


class Schema(Resource):
    """GET of the JSON Schema that configurations are held against."""

    def get(self, request: Request) -> Response:
        """The schema."""
        return Response(document.SCHEMA)
