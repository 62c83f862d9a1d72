"""What anybody may know: the public keys and where the endpoints are (RFC 8414, OpenID Connect Discovery)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from apim.accounts.models import User
from apim.keymanager import gateway_key, scopes
from apim.keymanager.errors import InvalidToken
from apim.keymanager.issue import issuer, person_claims
from apim.keymanager.signing import ALGORITHM, jwks
from apim.keymanager.verify import verify

CACHED = 300
"""Seconds that clients may keep the public keys."""


@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """`/oauth2/jwks`: the keys of tokens, and the one with which gateways sign for backends."""
    document = jwks()
    return _open(JsonResponse({**document, "keys": [*document["keys"], *gateway_key.public()]}))


@require_safe
def discovery(request: HttpRequest) -> HttpResponse:
    """The metadata of the authorization server, one document for both standards."""
    return _open(JsonResponse(document()))


def document() -> dict[str, Any]:
    """Addresses and abilities. The issuer is the token endpoint, so the well-known path hangs below it."""
    base = f"{settings.APIM.public}/oauth2"
    basic = ["client_secret_basic", "client_secret_post"]
    return {
        "issuer": issuer(),
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "revocation_endpoint": f"{base}/revoke",
        "introspection_endpoint": f"{base}/introspect",
        "userinfo_endpoint": f"{base}/userinfo",
        "jwks_uri": f"{base}/jwks",
        "registration_endpoint": f"{settings.APIM.public}/client-registration/v0.17/register",
        "scopes_supported": [scopes.DEFAULT, *scopes.OPENID],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "client_credentials", "password", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [*basic, "none"],
        "revocation_endpoint_auth_methods_supported": [*basic, "none"],
        "introspection_endpoint_auth_methods_supported": basic,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": [
            "sub",
            "preferred_username",
            "name",
            "given_name",
            "family_name",
            "email",
            "auth_time",
            "nonce",
        ],
        "authorization_response_iss_parameter_supported": True,
    }


@csrf_exempt
@require_http_methods(["GET", "POST"])
def userinfo(request: HttpRequest) -> HttpResponse:
    """`/oauth2/userinfo`: who stands behind a token with the scope `openid`."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        claims = verify(token.strip() if scheme.lower() == "bearer" else "")
    except InvalidToken:
        return _challenge("invalid_token", 401)
    granted = claims["scope"].split()
    if "openid" not in granted:
        return _challenge("insufficient_scope", 403)
    user = User.objects.filter(username=claims["sub"], is_active=True).first()
    if user is None or claims["aut"] != "APPLICATION_USER":
        return _challenge("invalid_token", 401)
    response = JsonResponse(person_claims(user, granted))
    response["Cache-Control"] = "no-store"
    return response


def _challenge(error: str, status: int) -> HttpResponse:
    response = JsonResponse({"error": error}, status=status)
    response["WWW-Authenticate"] = f'Bearer realm="APIM", error="{error}"'
    return response


def _open(response: JsonResponse) -> JsonResponse:
    response["Cache-Control"] = f"public, max-age={CACHED}"
    response["Access-Control-Allow-Origin"] = "*"
    return response
