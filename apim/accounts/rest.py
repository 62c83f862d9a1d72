"""How REST callers prove who they are, shared by all contracts: Basic log-in, and the tenant rule for every scheme."""

from __future__ import annotations

from rest_framework import authentication, exceptions
from rest_framework.request import Request

from apim.accounts.models import User


class BasicAuthentication(authentication.BasicAuthentication):
    """HTTP Basic for REST clients and for the integrator's catalog registration."""

    www_authenticate_realm = "APIM"

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """The user of the Authorization header; the request is then the user's organisation's."""
        found = super().authenticate(request)
        if found is not None:
            enter(request, found[0])
        return found


def enter(request: Request, user: User) -> None:
    """Make a REST request one of `user`'s organisation. Raises AuthenticationFailed below another tenant's path.

    Every authentication class calls it: the middleware only knows users of sessions.
    """
    tenant = getattr(request, "tenant", None)
    if tenant is not None and tenant.pk != user.organisation_id:
        raise exceptions.AuthenticationFailed(f"{user.get_username()} does not belong to {tenant.domain}.")
    request._request.organisation = user.organisation
