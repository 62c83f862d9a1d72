"""Dynamic client registration (RFC 7591) and its management (RFC 7592), with the errors of those standards."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.exceptions import APIException
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apim.accounts.rest import BasicAuthentication
from apim.errors import ApimError, NotFound
from apim.keymanager import client_metadata
from apim.keymanager.actions import clients, dynamic
from apim.keymanager.models import OAuthClient
from apim.keymanager.rest import BearerAuthentication, Token

SCOPES = frozenset({"apim:app_manage", "apim:subscribe", "apim:admin"})
"""Any of these opens registration to a bearer token."""


class MayRegister(BasePermission):
    """A person with a password, or a token of theirs for managing applications."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the caller may register clients at all; the action asks for the role."""
        return request.user.is_authenticated and (
            not isinstance(request.auth, Token) or bool(request.auth.scopes & SCOPES)
        )


class _MetadataView(APIView):
    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)

    def handle_exception(self, exc: Exception) -> Response:
        """Errors as RFC 7591 3.2.2 has them."""
        if isinstance(exc, NotFound):
            return _failure("invalid_token", exc.description, 401)
        if isinstance(exc, ApimError) and exc.status == 400:
            return _failure(*_named(exc), 400)
        if isinstance(exc, ApimError):
            return _failure("access_denied", exc.description, exc.status)
        if isinstance(exc, APIException) and exc.status_code in (400, 415):
            return _failure("invalid_client_metadata", "Send the metadata as one JSON object.", exc.status_code)
        return super().handle_exception(exc)


class RegisterView(_MetadataView):
    """`/oauth2/register`."""

    authentication_classes = (BearerAuthentication, BasicAuthentication)
    permission_classes = (MayRegister,)

    def post(self, request: Request) -> Response:
        """A client for applications of the caller. Its registration access token opens `registration_client_uri`."""
        client, secret, access = dynamic.register(by=request.user, metadata=client_metadata.read(request.data))
        return _answer(client, access, secret=secret, status=201)


class ClientConfigurationView(_MetadataView):
    """`/oauth2/register/{client_id}`, for whoever holds the registration access token."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request, client_id: str) -> Response:
        """What the server holds."""
        access = _bearer(request)
        return _answer(dynamic.registered(client_id, access), access)

    def put(self, request: Request, client_id: str) -> Response:
        """Write all of it anew. The registration access token is replaced."""
        client = dynamic.registered(client_id, _bearer(request))
        body = request.data if isinstance(request.data, dict) else {}
        if body.get("client_id") != client.client_id:
            return _failure("invalid_client_metadata", "client_id must be this client's.", 400)
        access = dynamic.replace(client=client, metadata=client_metadata.read(body))
        return _answer(client, access)

    def delete(self, request: Request, client_id: str) -> Response:
        """Remove the client with its tokens."""
        client = dynamic.registered(client_id, _bearer(request))
        clients.delete_client(by=client.user, client=client)
        return Response(status=204, headers={"Cache-Control": "no-store"})


def _answer(client: OAuthClient, access: str, *, secret: str = "", status: int = 200) -> Response:
    found: dict[str, Any] = client_metadata.write(client)
    if secret and client.auth_method in ("", "client_secret_basic", "client_secret_post"):
        found |= {"client_secret": secret, "client_secret_expires_at": 0}
    found["registration_access_token"] = access
    found["registration_client_uri"] = f"{settings.APIM.public}/oauth2/register/{client.client_id}"
    return Response(found, status=status, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


def _named(error: ApimError) -> tuple[str, str]:
    """RFC 7591 has a name of its own for wrong redirect addresses."""
    first = error.fields[0] if error.fields else None
    text = f"{first.field}: {first.message}" if first else error.description
    wrong_uri = first is not None and first.field in ("redirect_uris", "callbackUrl")
    return ("invalid_redirect_uri" if wrong_uri else "invalid_client_metadata"), text


def _failure(error: str, description: str, status: int) -> Response:
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'} if status == 401 else {}
    return Response({"error": error, "error_description": description}, status=status, headers=headers)


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
