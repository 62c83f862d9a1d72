"""Token exchange (RFC 8693): a token of ours, or a JWT of a trusted issuer or key manager, for a token of this client."""

from __future__ import annotations

import time
from typing import Any

from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors, utils

from apim.keymanager.assertions import BadAssertion
from apim.keymanager.client_auth import field
from apim.keymanager.errors import InvalidToken
from apim.keymanager.exchange_trust import exchanged
from apim.keymanager.extension_grants.base import ExtensionGrant, refused, required, take_subject
from apim.keymanager.extension_grants.jwt_bearer import believed
from apim.keymanager.grant_models import TrustedIssuer
from apim.keymanager.issue import grounds, issuer
from apim.keymanager.verify import require_holder, verify

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name
JWT = "urn:ietf:params:oauth:token-type:jwt"
MOST_ACTORS = 5
"""Actors in a chain (`act` in `act`) that a token may carry."""


class ExchangeGrant(ExtensionGrant):
    """Who the subject is the subject token says; `actor_token` says who acts for it, which the new token tells."""

    def find_person(self, request: Request) -> None:
        """By the subject token. Its scopes and its end are limits for the new one when it is a token of ours."""
        _check_target(request)
        token, kind = required(request, "subject_token"), required(request, "subject_token_type")
        if kind not in (ACCESS_TOKEN, JWT):
            raise errors.InvalidRequestError(
                description=f"subject_token_type may be {ACCESS_TOKEN} or {JWT}.", request=request
            )
        own = _own(token, request)
        if own is not None:
            self._of_ours(own, request)
        else:
            self._of_others(token, request)
        self._actor(request)

    def finish(self, token: dict[str, Any], request: Request) -> None:
        """RFC 8693 2.2.1: what kind of token this is."""
        token["issued_token_type"] = ACCESS_TOKEN if request.client.is_opaque else JWT
        if field(request, "requested_token_type") == ACCESS_TOKEN:
            token["issued_token_type"] = ACCESS_TOKEN

    def _of_ours(self, claims: dict[str, Any], request: Request) -> None:
        if claims.get("org") != request.client.organisation.domain or claims["aut"] != "APPLICATION_USER":
            raise refused(request, "The subject token stands for nobody here.")
        asked = utils.scope_to_list(request.scope) or claims["scope"].split()
        request.scopes = [scope for scope in asked if scope in claims["scope"].split()]
        if not request.scopes:
            raise errors.InvalidScopeError(description="The subject token has none of these scopes.", request=request)
        basis = grounds(request)
        basis.most_seconds = max(1, int(claims["exp"] - time.time()))
        if "act" in claims:
            basis.claims["act"] = claims["act"]
        if "idp" in claims:
            basis.stranger, basis.claims["idp"] = claims["sub"], claims["idp"]
        else:
            take_subject(request, None, claims["sub"])
        # A refresh token would outlive the token it was exchanged for.
        basis.refreshable = False

    def _of_others(self, token: str, request: Request) -> None:
        """A JWT of a key manager whose tokens are to be exchanged, or else of a trusted issuer."""
        try:
            found = exchanged(request.client, token)
            if found is None:
                trusted, claims = believed(token, request)
                take_subject(request, trusted, claims.get("sub"))
                return
        except BadAssertion as error:
            raise refused(request, f"The subject token does not count. {error}") from error
        vouching = TrustedIssuer(issuer=found.issuer, local_users=found.local_users)
        take_subject(request, vouching, found.claims.get("sub"))

    def _actor(self, request: Request) -> None:
        token = field(request, "actor_token")
        if bool(token) != bool(field(request, "actor_token_type")):
            raise errors.InvalidRequestError(
                description="actor_token and actor_token_type are given together.", request=request
            )
        if not token:
            return
        claims = _own(token, request)
        if claims is None or claims.get("org") != request.client.organisation.domain:
            raise refused(request, "The actor token is not an access token of this server.")
        basis = grounds(request)
        actor = {"sub": claims["sub"], "client_id": claims["client_id"]}
        if "act" in basis.claims:
            actor["act"] = basis.claims["act"]
        if _depth(actor) > MOST_ACTORS:
            raise refused(request, f"More than {MOST_ACTORS} actors stand one behind the other.")
        basis.claims["act"] = actor


def _own(token: str, request: Request) -> dict[str, Any] | None:
    """The claims of an access token of ours; None when it is not one."""
    try:
        claims = verify(token)
        require_holder(claims, request.headers)
    except InvalidToken:
        return None
    return claims


def _check_target(request: Request) -> None:
    """The new token is for APIs that the client subscribed to. Raises invalid_target for any other wish."""
    wanted = field(request, "requested_token_type")
    if wanted not in ("", ACCESS_TOKEN, JWT):
        raise errors.InvalidRequestError(
            description=f"requested_token_type may be {ACCESS_TOKEN} or {JWT}.", request=request
        )
    audience = field(request, "audience")
    if audience not in ("", request.client.client_id, issuer()) or field(request, "resource"):
        raise errors.CustomOAuth2Error(
            error="invalid_target", description="Tokens are for the client's own subscriptions only.", request=request
        )


def _depth(actor: dict[str, Any]) -> int:
    depth, here = 0, actor
    while isinstance(here, dict):
        depth, here = depth + 1, here.get("act")  # type: ignore[assignment]
    return depth
