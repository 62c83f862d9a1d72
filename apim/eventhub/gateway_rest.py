"""The gateways' management REST on the control plane, where clients of the all-in-one server look for it."""

from __future__ import annotations

import json
import re
from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from apim.accounts.models import BuiltinRole
from apim.accounts.permissions import require
from apim.accounts.queries import sees_every_organisation
from apim.errors import Forbidden, NotFound
from apim.eventhub import gateway_calls

HEALTH = "server-startup-healthcheck"
RESOURCE = re.compile(r"[a-z-]{1,60}(/[0-9A-Za-z-]{1,60})?/?")
"""What may stand behind the prefix. Anything freer, `..` above all, could lead the secret to another address of a gateway."""


class GatewayRest(APIView):
    """Asks the gateways of all environments, or of the one that `environment` names, and makes one answer of theirs.

    For administrators: of a tenant, about their own organisation only.
    """

    permission_classes: ClassVar[list[type]] = []

    def get(self, request: Request, rest: str) -> HttpResponse:
        """What the gateways run."""
        return self._forward("GET", request, rest)

    def post(self, request: Request, rest: str) -> HttpResponse:
        """Take an API off the gateways, or bring it back."""
        return self._forward("POST", request, rest)

    def _forward(self, method: str, request: Request, rest: str) -> HttpResponse:
        if not RESOURCE.fullmatch(rest):
            raise NotFound(f"The gateway has no resource {rest[:80]!r}.")
        query = {name: request.query_params[name] for name in request.query_params}
        if rest.strip("/") != HEALTH:
            self._require_admin(request, query)
        addresses = gateway_calls.addresses(query.pop("environment", ""))
        return gateway_calls.ask(method, rest, query, addresses)

    def _require_admin(self, request: Request, query: dict[str, str]) -> None:
        if not request.user.is_authenticated:
            self.permission_denied(request)
        require(request.user, BuiltinRole.ADMIN)
        own = request.user.organisation.domain
        if not sees_every_organisation(request.user) and query.setdefault("tenantDomain", own) != own:
            raise Forbidden(
                f"{request.user.get_username()} administers {own}, and nothing of {json.dumps(query['tenantDomain'])}."
            )
