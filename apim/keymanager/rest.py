"""Bearer log-in for the management REST APIs: access tokens of the resident key manager."""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework import authentication, exceptions
from rest_framework.request import Request

from apim.accounts.models import User
from apim.accounts.rest import enter
from apim.keymanager.errors import InvalidToken
from apim.keymanager.models import OAuthClient
from apim.keymanager.scopes import is_management
from apim.keymanager.verify import require_holder, verify


@dataclass(frozen=True)
class Token:
    """What `request.auth` is after a bearer log-in."""

    client_id: str
    jti: str
    scopes: frozenset[str]


class BearerAuthentication(authentication.BaseAuthentication):
    """Admits a valid access token of a client registered for these APIs, in the name of the user who is its subject.

    A token of a portal application is refused although its subject may be a developer of ours: whatever backend receives
    it could log in here with it otherwise.
    """

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        """The user and the token; None when there is no bearer token. Raises AuthenticationFailed."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            claims = verify(token.strip())
            require_holder(claims, request.META)
        except InvalidToken as error:
            raise exceptions.AuthenticationFailed(error.description) from error
        found = Token(claims["client_id"], claims["jti"], frozenset(claims["scope"].split()))
        if "idp" in claims:
            raise exceptions.AuthenticationFailed("The access token's subject is nobody here.")
        user = self._user(claims["sub"], found)
        enter(request, user)
        return user, found

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401."""
        return 'Bearer realm="APIM"'

    @staticmethod
    def _user(subject: str, token: Token) -> User:
        client = OAuthClient.objects.select_related("organisation", "user").filter(client_id=token.client_id).first()
        if client is None or not client.is_management or not client.is_usable(None):
            raise exceptions.AuthenticationFailed("The access token is not for this API: register a client for it.")
        if not any(map(is_management, token.scopes)):
            raise exceptions.AuthenticationFailed("The access token has no scope of this API; ask for apim:… scopes.")
        user = User.objects.select_related("organisation").filter(username=subject, is_active=True).first()
        if user is None or user.organisation_id != client.organisation_id:
            raise exceptions.AuthenticationFailed("The access token's user is not active here.")
        return user
