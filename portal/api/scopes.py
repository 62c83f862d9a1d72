"""Which scopes of a bearer token open which resource; people who show a password or a session need none."""

from __future__ import annotations

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

APPLICATIONS = ("apim:subscribe", "apim:app_manage", "apim:app_import_export")
KEYS = ("apim:subscribe", "apim:app_manage")
API_KEYS = ("apim:subscribe", "apim:app_manage", "apim:api_key")
SUBSCRIPTIONS = ("apim:subscribe", "apim:sub_manage")
SUBSCRIBER = ("apim:subscribe",)
SEE_SUBSCRIBERS = ("apim:api_view", "apim:subscription_view", "apim:subscription_manage")
BLOCK = ("apim:subscription_block", "apim:subscription_manage")
CHANGE_PLAN = ("apim:subscription_manage",)


class HasScope(BasePermission):
    """Logged in, and a token has one of the view's `scopes`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """The answer; `message` says which scopes would do."""
        if not request.user.is_authenticated:
            return False
        given = getattr(request.auth, "scopes", None)
        self.message = f"The access token needs one of the scopes: {', '.join(view.scopes)}."
        return given is None or not given.isdisjoint(view.scopes)


class ScopedView(APIView):
    """A resource for logged-in people. Subclasses name the `scopes` that open it."""

    permission_classes = (HasScope,)
    scopes: tuple[str, ...] = ()
