"""Decisions of the OAuth server: Django OAuth Toolkit asks, the platform's rules answer."""

from __future__ import annotations

import hashlib
from typing import Any

from oauth2_provider.models import get_access_token_model, get_refresh_token_model
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors

from apim.keymanager import scopes as rules
from apim.keymanager.actions.tokens import revoke_ids, revoke_token
from apim.keymanager.issue import id_token_claims
from apim.keymanager.models import OAuthClient
from apim.keymanager.signing import sign

AccessToken, RefreshToken = get_access_token_model(), get_refresh_token_model()


class Validator(OAuth2Validator):
    """Access tokens are signed, not stored: only those with a refresh token leave a row, with their `jti` for revoking."""

    def _load_application(self, client_id: str | None, request: Request) -> OAuthClient | None:
        if isinstance(request.client, OAuthClient) and request.client.client_id == client_id:
            return request.client
        request.client = None
        if not client_id or "\x00" in client_id:
            return None
        found = OAuthClient.objects.select_related("organisation", "user").filter(client_id=client_id).first()
        request.client = found if found and found.is_usable(request) else None
        return request.client

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: OAuthClient, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Grants come from the client's list; passwords are for clients of the platform's own REST APIs only."""
        return grant_type in client.grant_types and (grant_type != "password" or client.is_management)

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: OAuthClient, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Leave out what the client may not have instead of refusing (RFC 6749 3.3); the answer names what is left."""
        person = None if request.grant_type == "client_credentials" else getattr(request, "user", None)
        person = person if getattr(person, "pk", None) else None
        request.scopes = rules.allowed(scopes, client, person) or [rules.DEFAULT]
        return True

    def validate_user(
        self, username: str, password: str, client: OAuthClient, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """A user's password, within the client's own organisation."""
        if "\x00" in username + password:  # PostgreSQL refuses to look for it
            return False
        known = super().validate_user(username, password, client, request, *args, **kwargs)
        return known and request.user.organisation_id == client.organisation_id

    def validate_refresh_token(
        self, refresh_token: str, client: OAuthClient, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """As inherited; a token used twice also revokes the family's access tokens at the gateways."""
        family = self._family(refresh_token, client)
        valid = super().validate_refresh_token(refresh_token, client, request, *args, **kwargs)
        if valid:
            return request.user.is_active
        # The inherited check deletes the family's rows when it was a reuse; what is still there was merely wrong.
        gone = [row for row in family if not AccessToken.objects.filter(pk=row.pk).exists()]
        revoke_ids([(row.token, int(row.expires.timestamp())) for row in gone], client.client_id)
        return False

    def save_bearer_token(self, token: dict[str, Any], request: Request, *args: Any, **kwargs: Any) -> None:
        """Nothing is stored for client credentials, nor where the client may not refresh."""
        if request.grant_type == "client_credentials":
            return
        if "refresh_token" not in request.client.grant_types:
            token.pop("refresh_token", None)
            return
        super().save_bearer_token(token, request, *args, **kwargs)

    def _save_bearer_token(self, token: dict[str, Any], request: Request, *args: Any, **kwargs: Any) -> None:
        made = token["access_token"]
        super()._save_bearer_token(token, request, *args, **kwargs)
        if token["access_token"] != made:  # another request used the same refresh token a moment ago
            raise errors.InvalidGrantError("The refresh token has just been used.", request=request)

    def _create_access_token(self, expires: Any, request: Request, token: Any, source_refresh_token: Any = None) -> Any:
        row = super()._create_access_token(expires, request, token, source_refresh_token)
        AccessToken.objects.filter(pk=row.pk).update(token=request.issued_claims["jti"])
        return row

    def revoke_token(self, token: str, token_type_hint: str, request: Request, *args: Any, **kwargs: Any) -> None:
        """An access token by itself; a refresh token with the access token that came with it."""
        if token.count(".") == 2:
            revoke_token(token=token, client=request.client)
            return
        rows = [row.access_token for row in self._rows(token, request.client) if row.access_token]
        super().revoke_token(token, "refresh_token", request, *args, **kwargs)
        revoke_ids([(row.token, int(row.expires.timestamp())) for row in rows], request.client.client_id)

    def validate_silent_login(self, request: Request) -> bool:
        """`prompt=none`: the page lets only logged-in people through to here."""
        return True

    def validate_silent_authorization(self, request: Request) -> bool:
        """`prompt=none`: consent is always asked for, so it can't be had silently."""
        return False

    def finalize_id_token(self, id_token: dict[str, Any], token: Any, token_handler: Any, request: Request) -> str:
        """The OpenID Connect id token, signed like access tokens and stored nowhere."""
        return sign({**id_token, **id_token_claims(request)}, typ="JWT")

    def _load_id_token(self, token: str) -> None:
        return None

    @staticmethod
    def _rows(refresh_token: str, client: OAuthClient) -> Any:
        checksum = hashlib.sha256(refresh_token.encode()).hexdigest()
        return RefreshToken.objects.filter(token_checksum=checksum, application=client).select_related("access_token")

    def _family(self, refresh_token: str, client: OAuthClient) -> list[Any]:
        families = {row.token_family for row in self._rows(refresh_token, client) if row.revoked and row.token_family}
        return list(AccessToken.objects.filter(refresh_token__token_family__in=families)) if families else []
