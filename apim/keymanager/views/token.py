"""The endpoints that programs call with a client's credentials: token, revocation (RFC 7009), introspection (RFC 7662)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from oauth2_provider.models import get_refresh_token_model, refresh_token_expire_timedelta
from oauth2_provider.views.mixins import OAuthLibMixin
from oauthlib.common import Request

from apim.keymanager.errors import InvalidToken
from apim.keymanager.models import OAuthClient
from apim.keymanager.residents import GATEWAY, gateway_password
from apim.keymanager.validator import Validator
from apim.keymanager.verify import verify

BASIC = 'Basic realm="APIM"'


@method_decorator(csrf_exempt, name="dispatch")
@method_decorator(sensitive_post_parameters(), name="dispatch")
class ClientView(OAuthLibMixin, View):
    """What these endpoints share: form fields given once, errors as RFC 6749 5.2 wants them, nothing cached."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Answer a well-formed request; 400 for one that repeats a field or is no form."""
        if request.content_type != "application/x-www-form-urlencoded":
            return failure("invalid_request", "Send the fields as application/x-www-form-urlencoded.")
        repeated = [name for name, values in request.POST.lists() if len(values) > 1]
        if repeated:
            return failure("invalid_request", f"Given more than once: {', '.join(repeated)}.")
        return self.answer(request)

    def finish(self, result: tuple[Any, dict[str, str], str | None, int]) -> HttpResponse:
        """The protocol library's result as a response."""
        _, headers, body, status = result
        response = HttpResponse(body or "", status=status, content_type="application/json")
        for name, value in headers.items():
            response[name] = value
        return hardened(response)


class TokenView(ClientView):
    """`/oauth2/token`."""

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The token or the error of the grant."""
        return self.finish(self.create_token_response(request))


class RevokeView(ClientView):
    """`/oauth2/revoke`: 200 also for a token that is unknown or another client's."""

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Revoke the client's own token."""
        return self.finish(self.create_revocation_response(request))


class IntrospectView(ClientView):
    """`/oauth2/introspect`, for clients of the token's organisation."""

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Whether the token is active, and what is in it."""
        domain = _gateway_of(request)
        client = None if domain else _authenticated(self, request)
        if not domain and client is None:
            return failure("invalid_client", "Show the credentials of a client.", status=401)
        token = request.POST.get("token", "")
        if not token:
            return failure("invalid_request", "The field token is missing.")
        organisation = domain or client.organisation.domain
        found = _access(token, organisation) or (client and _refresh(token, client))
        return hardened(JsonResponse(found or {"active": False}))


def failure(error: str, description: str, status: int = 400) -> HttpResponse:
    """An error answer of RFC 6749 5.2."""
    return hardened(JsonResponse({"error": error, "error_description": description}, status=status))


def hardened(response: HttpResponse) -> HttpResponse:
    """Kept by no cache; with a challenge when it is a 401."""
    response["Cache-Control"], response["Pragma"] = "no-store", "no-cache"
    if response.status_code == 401:
        response["WWW-Authenticate"] = BASIC
    return response


def _gateway_of(request: HttpRequest) -> str:
    """The organisation whose gateways ask, by the credentials in its key manager's record; empty for other callers."""
    scheme, _, pair = request.headers.get("Authorization", "").partition(" ")
    try:
        name, _, password = base64.b64decode(pair).decode().partition(":")
    except ValueError:
        return ""
    name = unquote(name)
    if scheme.lower() != "basic" or not name.startswith(GATEWAY):
        return ""
    domain = name.removeprefix(GATEWAY)
    return domain if hmac.compare_digest(password.encode(), gateway_password(domain).encode()) else ""


def _authenticated(view: ClientView, request: HttpRequest) -> OAuthClient | None:
    uri, method, body, headers = view.get_oauthlib_core()._extract_params(request)
    asked = Request(uri, method, body, headers)
    confidential = (
        Validator().authenticate_client(asked) and asked.client.client_type == OAuthClient.CLIENT_CONFIDENTIAL
    )
    return asked.client if confidential else None


def _access(token: str, organisation: str) -> dict[str, Any] | None:
    try:
        claims = verify(token)
    except InvalidToken:
        return None
    owner = OAuthClient.objects.select_related("organisation", "user").filter(client_id=claims["client_id"]).first()
    if owner is None or owner.organisation.domain != organisation or not owner.is_usable(None):
        return None
    return {"active": True, "token_type": "Bearer", "username": claims["sub"], **claims}


def _refresh(token: str, client: OAuthClient) -> dict[str, Any] | None:
    checksum = hashlib.sha256(token.encode()).hexdigest()
    rows = get_refresh_token_model().objects.filter(token_checksum=checksum, revoked=None)
    row = rows.select_related("access_token", "user").first()
    if row is None or row.application_id != client.pk or row.access_token is None:
        return None
    expires = int((row.access_token.expires + refresh_token_expire_timedelta()).timestamp())
    found = {"active": True, "token_type": "refresh_token", "client_id": client.client_id, "exp": expires}
    return {**found, "scope": row.access_token.scope, "username": row.user.get_username()}
