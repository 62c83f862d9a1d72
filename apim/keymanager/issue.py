"""What stands in a token, and how it is made."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.conf import settings

from apim.keymanager.signing import sign

if TYPE_CHECKING:
    from oauthlib.common import Request

    from apim.accounts.models import User
    from apim.keymanager.models import OAuthClient

TYPE = "at+jwt"
"""JWT header `typ` of access tokens (RFC 9068): no id token or other JWT of ours can pass for one."""

API_KEY_TYPE = "apikey+jwt"
TEST_KEY_TYPE = "internal+jwt"
"""JWT header `typ` of API keys and of internal test keys: gateways take neither for an access token, nor one for the other."""

ENDLESS = -1
"""`exp` of an API key without end."""


def issuer() -> str:
    """The `iss` of every token: the token endpoint's address, as WSO2 has it."""
    return f"{settings.APIM.public}/oauth2/token"


def access_token(
    client: OAuthClient, *, scopes: Iterable[str], lifetime: int, user: User | None = None
) -> tuple[str, dict[str, Any]]:
    """A signed access token for `client`, valid `lifetime` seconds, and its claims. `user` None: the client itself."""
    now = int(time.time())
    subject = user or client.user
    claims = {
        "iss": issuer(),
        "sub": subject.get_username() if subject else client.client_id,
        "aud": client.client_id,
        "azp": client.client_id,
        "client_id": client.client_id,
        "scope": " ".join(scopes),
        "iat": now,
        "nbf": now,
        "exp": now + lifetime,
        "jti": secrets.token_urlsafe(18),
        "aut": "APPLICATION_USER" if user else "APPLICATION",
        "org": client.organisation.domain,
    }
    return sign(claims, typ=TYPE), claims


def api_key(
    *, application: dict[str, str], owner: str, organisation: str, key_type: str, lifetime: int | None,
    addresses: Iterable[str] = (), referers: Iterable[str] = (),
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """A signed API key of an application and its claims, named as the original names them. `lifetime` None: without end."""
    now = int(time.time())
    claims = {
        "iss": issuer(),
        "sub": owner,
        "iat": now,
        "exp": now + lifetime if lifetime is not None else ENDLESS,
        "jti": secrets.token_urlsafe(18),
        "token_type": "apiKey",
        "keytype": key_type,
        "application": application,
        "permittedIP": ",".join(addresses),
        "permittedReferer": ",".join(referers),
        "org": organisation,
    }
    return sign(claims, typ=API_KEY_TYPE), claims


def test_key(*, api: str, user: str, organisation: str, lifetime: int, key_type: str = "PRODUCTION") -> str:
    """A signed key that opens one API of `organisation` at the gateways without a subscription, for trying it out."""
    now = int(time.time())
    claims = {"iss": issuer(), "sub": user, "iat": now, "exp": now + lifetime, "jti": secrets.token_urlsafe(18)}
    return sign({**claims, "api": api, "keytype": key_type, "org": organisation}, typ=TEST_KEY_TYPE)


def lifetime_of(request: Request) -> int:
    """oauthlib's question: seconds until the token of this request expires."""
    return request.client.lifetime


def for_request(request: Request) -> str:
    """oauthlib's access token generator. Leaves the claims on the request for whoever stores the token."""
    # A form field named "user" would stand in for the attribute, so the grant decides whether a person is involved.
    user = None if request.grant_type == "client_credentials" else request.user
    token, request.issued_claims = access_token(
        request.client, scopes=request.scopes, lifetime=request.expires_in, user=user
    )
    return token


def id_token_claims(request: Request) -> dict[str, Any]:
    """Claims about the person for an OpenID Connect id token, beyond those oauthlib sets."""
    now = int(time.time())
    login = request.user.last_login
    timing = {"exp": now + request.client.lifetime, "auth_time": int(login.timestamp()) if login else now}
    return {"iss": issuer(), **timing, **person_claims(request.user, request.scopes)}


def person_claims(user: User, scopes: Iterable[str]) -> dict[str, Any]:
    """What `scopes` let a client know about `user` (OpenID Connect Core 5.4)."""
    claims: dict[str, Any] = {"sub": user.get_username()}
    if "profile" in scopes:
        names = {"given_name": user.first_name, "family_name": user.last_name, "name": user.get_full_name()}
        claims |= {"preferred_username": user.get_username(), **{k: v for k, v in names.items() if v}}
    if "email" in scopes and user.email:
        claims["email"] = user.email
    return claims
