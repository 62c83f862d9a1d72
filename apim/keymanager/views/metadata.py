"""What anybody may know: the public keys and where the endpoints are (RFC 8414, OpenID Connect Discovery)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from apim.accounts.models import User
from apim.keymanager import assertions, gateway_key, scopes
from apim.keymanager.client_auth import PRIVATE_KEY, SECRET, SELF_SIGNED, TLS
from apim.keymanager.errors import InvalidToken
from apim.keymanager.grants import DEVICE
from apim.keymanager.issue import issuer, person_claims
from apim.keymanager.policy import grants_on
from apim.keymanager.signing import algorithm_now, jwks
from apim.keymanager.verify import require_holder, verify

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
    grants = grants_on()
    implicit = ["token", "id_token", "id_token token"] if "implicit" in grants else []
    return {
        "issuer": issuer(),
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "revocation_endpoint": f"{base}/revoke",
        "introspection_endpoint": f"{base}/introspect",
        "userinfo_endpoint": f"{base}/userinfo",
        "jwks_uri": f"{base}/jwks",
        "registration_endpoint": f"{base}/register",
        "end_session_endpoint": f"{settings.APIM.public}/oidc/logout",
        **({"device_authorization_endpoint": f"{base}/device_authorize"} if DEVICE in grants else {}),
        "scopes_supported": [scopes.DEFAULT, *scopes.OPENID],
        "response_types_supported": ["code", *implicit],
        "response_modes_supported": ["query", *(["fragment"] if implicit else [])],
        "grant_types_supported": grants,
        "code_challenge_methods_supported": ["S256"],
        **_client_authentication(),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [algorithm_now()],
        "claims_supported": CLAIMS,
        "prompt_values_supported": ["none", "login", "consent"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "tls_client_certificate_bound_access_tokens": _takes_certificates(),
    }


CLAIMS = ["sub", "preferred_username", "name", "given_name", "family_name", "email", "auth_time", "nonce"]


def _client_authentication() -> dict[str, Any]:
    """How clients prove themselves at the endpoints where they have to."""
    certificates = [TLS, SELF_SIGNED] if _takes_certificates() else []
    methods = [*SECRET, PRIVATE_KEY, *certificates]
    found: dict[str, Any] = {}
    for endpoint, further in (("token", ["none"]), ("revocation", ["none"]), ("introspection", [])):
        found[f"{endpoint}_endpoint_auth_methods_supported"] = [*methods, *further]
        found[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = assertions.ALGORITHMS
    return found


def _takes_certificates() -> bool:
    return bool(settings.APIM.client_ca or settings.APIM.client_certificate_header)


@csrf_exempt
@require_http_methods(["GET", "POST"])
def userinfo(request: HttpRequest) -> HttpResponse:
    """`/oauth2/userinfo`: who stands behind a token with the scope `openid`."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        claims = verify(token.strip() if scheme.lower() == "bearer" else "")
        require_holder(claims, request.META)
    except InvalidToken:
        return _challenge("invalid_token", 401)
    granted = claims["scope"].split()
    if "openid" not in granted:
        return _challenge("insufficient_scope", 403)
    user = User.objects.filter(username=claims["sub"], is_active=True).first()
    if user is None or claims["aut"] != "APPLICATION_USER" or "idp" in claims:
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
