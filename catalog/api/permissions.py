"""A bearer token opens only the operations whose scope it carries; Basic log-in has the user's whole rights."""

from __future__ import annotations

from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from apim.errors import Forbidden
from apim.keymanager.rest import Token

VIEW, WRITE, API_VIEW = "service_catalog:service_view", "service_catalog:service_write", "apim:api_view"


class HasScope(BasePermission):
    """Looks at the view's `required_scopes`, by method; one of them is enough."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the token will do. Raises Forbidden naming the scopes that would."""
        wanted = getattr(view, "required_scopes", {}).get(request.method, ())
        if not isinstance(request.auth, Token) or not wanted or request.auth.scopes.intersection(wanted):
            return True
        raise Forbidden(f"The access token needs one of the scopes: {', '.join(wanted)}.")


class CatalogView(APIView):
    """Base of the catalog's resources."""

    permission_classes = [IsAuthenticated, HasScope]
    required_scopes: dict[str, tuple[str, ...]] = {}
