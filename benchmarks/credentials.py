"""One issuer, one token: what both Envoy and our gateway are to verify."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from joserfc import jwt
from joserfc.jwk import RSAKey

ISSUER = "https://bench.example/oauth2/token"
CLIENT = "bench-client"


@dataclass(frozen=True)
class Credentials:
    """`jwks` is the public key set as JSON text; `token` an RS256 access token valid for a day."""

    issuer: str
    jwks: str
    token: str


def make_credentials() -> Credentials:
    """A fresh key and a token signed with it, with the claims that the resident key manager writes."""
    key = RSAKey.generate_key(2048, {"kid": "bench", "alg": "RS256", "use": "sig"}, private=True)
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": "bench",
        "azp": CLIENT,
        "client_id": CLIENT,
        "aud": CLIENT,
        "scope": "default",
        "jti": "bench-1",
        "iat": now,
        "nbf": now - 60,
        "exp": now + 86_400,
        "token_type": "APPLICATION",
        "aut": "APPLICATION",
    }
    token = jwt.encode({"alg": "RS256", "kid": "bench", "typ": "at+jwt"}, claims, key)
    return Credentials(ISSUER, json.dumps({"keys": [key.as_dict(private=False)]}), token)
