"""What stands in a token, and how it is made."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings

from apim.keymanager import opaque
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
    client: OAuthClient,
    *,
    scopes: Iterable[str],
    lifetime: int,
    user: User | None = None,
    stranger: str = "",
    further: Mapping[str, Any] | None = None,
) -> tuple[str, dict[str, Any]]:
    """An access token for `client`, valid `lifetime` seconds, and its claims; signed or opaque as the client has it.

    `user` None: the client itself, or `stranger`, the name of a person who has no account here. `further` claims are added.
    """
    now = int(time.time())
    subject = user or client.user
    claims = {
        "iss": issuer(),
        "sub": stranger or (subject.get_username() if subject else client.client_id),
        "aud": client.client_id,
        "azp": client.client_id,
        "client_id": client.client_id,
        "scope": " ".join(scopes),
        "iat": now,
        "nbf": now,
        "exp": now + lifetime,
        "jti": secrets.token_urlsafe(18),
        "aut": "APPLICATION_USER" if user or stranger else "APPLICATION",
        "org": client.organisation.domain,
        **(further or {}),
    }
    return (opaque.issue(claims) if client.is_opaque else sign(claims, typ=TYPE)), claims


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
    most = grounds(request).most_seconds
    return min(request.client.lifetime, most) if most else request.client.lifetime


@dataclass
class Grounds:
    """What a grant found out besides the person: it goes into the token."""

    stranger: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    most_seconds: int = 0
    refreshable: bool = True


def grounds(request: Request) -> Grounds:
    """The grounds of this request. A form field of the same name would stand in for a plain attribute, so not that."""
    found = request.__dict__.get("_grounds")
    if found is None:
        found = request.__dict__["_grounds"] = Grounds()
    return found


def person(request: Request) -> User | None:
    """The person whom the grant found; None for client credentials. A form field named `user` is nobody."""
    found = request.__dict__.get("user")
    return found if found is not None and getattr(found, "pk", None) else None


def for_request(request: Request) -> str:
    """oauthlib's access token generator. Leaves the claims on the request for whoever stores the token."""
    basis = grounds(request)
    token, request.issued_claims = access_token(
        request.client,
        scopes=request.scopes,
        lifetime=request.expires_in,
        user=person(request),
        stranger=basis.stranger,
        further=basis.claims,
    )
    return token


def id_token(request: Request, token: Mapping[str, Any]) -> str:
    """An id token of a grant for which oauthlib makes none (password, device, assertions, token exchange)."""
    digest = hashlib.sha256(token["access_token"].encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    claims = {"aud": request.client.client_id, "iat": int(time.time()), "at_hash": half}
    return sign({**claims, **id_token_claims(request)}, typ="JWT")


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
