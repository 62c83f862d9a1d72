"""The gateway's management REST on the control plane, where clients of the all-in-one server look for it."""

from __future__ import annotations

import json
import re
from typing import ClassVar
from urllib.parse import quote, urlencode

import urllib3
from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from apim.accounts.models import BuiltinRole
from apim.accounts.permissions import require
from apim.accounts.queries import sees_every_organisation
from apim.errors import ApimError, Forbidden, NotFound

PATH = "/api/am/gateway/v2/"
SECONDS = 10.0
MOST_BYTES = 32 * 1024 * 1024
HEALTH = "server-startup-healthcheck"
RESOURCE = re.compile(r"[a-z-]{1,60}(/[0-9A-Za-z-]{1,60})?/?")
"""What may stand behind PATH. Anything freer, `..` above all, could lead the secret to another address of the gateway."""


class NoGateway(ApimError):
    """The gateway of this installation does not answer."""

    status, code, message = 503, 503, "Service Unavailable"


class GatewayRest(APIView):
    """Forwards to the gateway at the address callers use, for administrators: of a tenant, about their own organisation only."""

    permission_classes: ClassVar[list[type]] = []

    def get(self, request: Request, rest: str) -> HttpResponse:
        """What the gateway runs."""
        return self._forward("GET", request, rest)

    def post(self, request: Request, rest: str) -> HttpResponse:
        """Take an API off the gateway, or bring it back."""
        return self._forward("POST", request, rest)

    def _forward(self, method: str, request: Request, rest: str) -> HttpResponse:
        if not RESOURCE.fullmatch(rest):
            raise NotFound(f"The gateway has no resource {rest[:80]!r}.")
        query = {name: request.query_params[name] for name in request.query_params}
        if rest.strip("/") != HEALTH:
            self._require_admin(request, query)
        # In this header and no other: gateways never pass it on, should an API be deployed at an address above this one.
        headers = {"internal-key": settings.CLUSTER_SECRET}
        url = f"{settings.APIM.gateway_http}{PATH}{quote(rest)}?{urlencode(query)}"
        try:
            answer = urllib3.request(
                method, url, headers=headers, timeout=SECONDS, retries=False, preload_content=False
            )
            body = answer.read(MOST_BYTES)
            answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise NoGateway(f"The gateway at {settings.APIM.gateway_http} does not answer.") from error
        return HttpResponse(
            body, status=answer.status, content_type=answer.headers.get("content-type", "application/json")
        )

    def _require_admin(self, request: Request, query: dict[str, str]) -> None:
        if not request.user.is_authenticated:
            self.permission_denied(request)
        require(request.user, BuiltinRole.ADMIN)
        own = request.user.organisation.domain
        if not sees_every_organisation(request.user) and query.setdefault("tenantDomain", own) != own:
            raise Forbidden(
                f"{request.user.get_username()} administers {own}, and nothing of {json.dumps(query['tenantDomain'])}."
            )
