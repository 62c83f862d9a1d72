"""Decisions of the OAuth server: Django OAuth Toolkit asks, the platform's rules answer."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any
from urllib.parse import unquote_plus

from oauth2_provider.models import get_access_token_model, get_refresh_token_model
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors, utils

from apim.accounts.doors import PasswordNotEnough
from apim.keymanager import client_auth, codes
from apim.keymanager import scopes as rules
from apim.keymanager.actions.tokens import revoke_ids, revoke_token
from apim.keymanager.consents import covers
from apim.keymanager.issue import grounds, id_token, id_token_claims, person
from apim.keymanager.models import OAuthClient
from apim.keymanager.policy import is_on, policy_of
from apim.keymanager.signing import sign

AccessToken, RefreshToken = get_access_token_model(), get_refresh_token_model()

ASKER = "apim.user"
"""Key of the request's environment under which the authorization page names the person; no header can be called that."""


class Validator(OAuth2Validator):
    """Access tokens are signed, not stored: only those with a refresh token leave a row, with their `jti` for revoking."""

    def _load_application(self, client_id: str | None, request: Request) -> OAuthClient | None:
        if isinstance(request.client, OAuthClient) and request.client.client_id == client_id:
            return request.client
        request.client = None
        if not client_id or "\x00" in client_id:
            return None
        rows = OAuthClient.objects.select_related("organisation__token_policy", "user")
        found = rows.filter(client_id=client_id).first()
        request.client = found if found and found.is_usable(request) else None
        return request.client

    def client_authentication_required(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        """Confidential clients always; others when they bring something to prove themselves with."""
        return client_auth.asserts(request) or super().client_authentication_required(request, *args, **kwargs)

    def authenticate_client(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        """By the method that the client registered, and by no weaker one; then its tokens are bound if it wants that."""
        if client_auth.asserts(request):
            client = self._load_application(client_auth.asserted_client_id(request), request)
            named = client_auth.field(request, "client_id")
            fits = client is not None and named in ("", client.client_id) and not self._extract_basic_auth(request)
            known = fits and client_auth.wanted(client) == client_auth.PRIVATE_KEY
            return known and client_auth.by_assertion(client, request) and client_auth.bind(client, request)
        client = self._load_application(self._named_client(request), request)
        if client is None:
            return False
        method = client_auth.wanted(client)
        if method == client_auth.PRIVATE_KEY:
            return False
        if method in (client_auth.TLS, client_auth.SELF_SIGNED):
            return client_auth.by_certificate(client, request) and client_auth.bind(client, request)
        return self._by_secret(client, request) and client_auth.bind(client, request)

    def _by_secret(self, client: OAuthClient, request: Request) -> bool:
        if client_auth.blocked(client.client_id, request):
            return False
        known = super().authenticate_client(request)
        if not known:
            client_auth.note_failure(client.client_id, request)
        return known

    def _named_client(self, request: Request) -> str:
        """The client id of the Basic header or the form."""
        basic = self._extract_basic_auth(request)
        if not basic:
            return client_auth.field(request, "client_id")
        try:
            return unquote_plus(base64.b64decode(basic).decode().partition(":")[0])
        except ValueError:
            return ""

    def authenticate_client_id(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> bool:
        """Only clients that registered without any means to prove themselves pass by their name alone."""
        client = self._load_application(client_id, request)
        return client is not None and client_auth.wanted(client) == "none" and client_auth.bind(client, request)

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: OAuthClient, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Grants come from the client's list, as far as its organisation has them switched on."""
        return grant_type in client.grant_types and is_on(grant_type, client.organisation)

    def validate_response_type(
        self, client_id: str, response_type: str, client: OAuthClient, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Codes, and for clients with the implicit grant tokens; no mixture of both."""
        grant = "authorization_code" if response_type == "code" else "implicit"
        return self.validate_grant_type(client_id, grant, client, request)

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: OAuthClient, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Leave out what the client may not have instead of refusing (RFC 6749 3.3); the answer names what is left."""
        asker = person(request) or request.headers.get(ASKER)
        request.scopes = rules.allowed(scopes, client, asker) or [rules.DEFAULT]
        return True

    def validate_code(
        self, client_id: str, code: str, client: OAuthClient, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """As inherited; a code that was used before revokes what was given for it."""
        if "\x00" in code:
            return False
        known: bool = super().validate_code(client_id, code, client, request, *args, **kwargs)
        if not known:
            codes.punish_replay(code, client)
        return known and request.user.is_active

    def validate_user(
        self, username: str, password: str, client: OAuthClient, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """A user's password, within the client's own organisation."""
        if "\x00" in username + password:  # PostgreSQL refuses to look for it
            return False
        try:
            known = super().validate_user(username, password, client, request, *args, **kwargs)
        except PasswordNotEnough as error:
            raise errors.InvalidGrantError(error.description, request=request) from error
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
        """Nothing is stored without a refresh token: not for client credentials, nor where the client may not refresh."""
        client = request.client
        refreshes = "refresh_token" in client.grant_types and is_on("refresh_token", client.organisation)
        if person(request) is None or not refreshes or not grounds(request).refreshable:
            token.pop("refresh_token", None)
        if person(request) is not None and "openid" in request.scopes and not request.response_type:
            token["id_token"] = token.get("id_token") or id_token(request, token)
        if "refresh_token" in token:
            super().save_bearer_token(token, request, *args, **kwargs)
        if request.grant_type == "authorization_code" and request.code and not request.response_type:
            codes.remember(request.code, client, request.issued_claims, token.get("refresh_token", ""))

    def _save_bearer_token(self, token: dict[str, Any], request: Request, *args: Any, **kwargs: Any) -> None:
        made = token["access_token"]
        used = request.__dict__.get("refresh_token_instance")
        replaced = used.access_token if used is not None else None
        super()._save_bearer_token(token, request, *args, **kwargs)
        if token["access_token"] != made:  # another request used the same refresh token a moment ago
            raise errors.InvalidGrantError("The refresh token has just been used.", request=request)
        if replaced is not None and policy_of(request.client.organisation).revoke_replaced:
            revoke_ids([(replaced.token, int(replaced.expires.timestamp()))], request.client.client_id)

    def _create_access_token(self, expires: Any, request: Request, token: Any, source_refresh_token: Any = None) -> Any:
        row = super()._create_access_token(expires, request, token, source_refresh_token)
        AccessToken.objects.filter(pk=row.pk).update(token=request.issued_claims["jti"])
        return row

    def revoke_token(self, token: str, token_type_hint: str, request: Request, *args: Any, **kwargs: Any) -> None:
        """An access token by itself; a refresh token with the access token that came with it."""
        if revoke_token(token=token, client=request.client) or token.count(".") == 2:
            return
        rows = [row.access_token for row in self._rows(token, request.client) if row.access_token]
        super().revoke_token(token, "refresh_token", request, *args, **kwargs)
        revoke_ids([(row.token, int(row.expires.timestamp())) for row in rows], request.client.client_id)

    def validate_silent_login(self, request: Request) -> bool:
        """`prompt=none`: whether somebody is logged in, and for no longer than the client wants."""
        asker, most = request.headers.get(ASKER), str(request.max_age or "")
        if asker is None or not (most.isascii() and most.isdigit()):
            return asker is not None
        return asker.last_login is not None and time.time() - asker.last_login.timestamp() <= max(int(most[:10]), 1)

    def validate_silent_authorization(self, request: Request) -> bool:
        """`prompt=none`: whether the person allowed all this before."""
        asker = request.headers.get(ASKER)
        client = self._load_application(request.client_id, request)
        scopes = rules.allowed(utils.scope_to_list(request.scope) or [], client, asker) if client else []
        return asker is not None and client is not None and covers(asker, client, scopes or [rules.DEFAULT])

    def finalize_id_token(self, id_token: dict[str, Any], token: Any, token_handler: Any, request: Request) -> str:
        """The OpenID Connect id token, signed like access tokens and stored nowhere."""
        return sign({**id_token, **id_token_claims(request)}, typ="JWT")

    def _load_id_token(self, token: str) -> None:
        return None

    @staticmethod
    def _rows(refresh_token: str, client: OAuthClient) -> list[Any]:
        """Asked by the checksum alone: with the client in the question SQLite reads all rows of the client."""
        checksum = hashlib.sha256(refresh_token.encode()).hexdigest()
        found = RefreshToken.objects.filter(token_checksum=checksum).select_related("access_token")
        return [row for row in found if row.application_id == client.pk]

    def _family(self, refresh_token: str, client: OAuthClient) -> list[Any]:
        families = {row.token_family for row in self._rows(refresh_token, client) if row.revoked and row.token_family}
        return list(AccessToken.objects.filter(refresh_token__token_family__in=families)) if families else []
