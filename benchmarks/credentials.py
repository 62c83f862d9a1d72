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
    """`jwks` is the public key set as JSON text; `tokens` are RS256 access tokens valid for a day, all different."""

    issuer: str
    jwks: str
    tokens: tuple[str, ...]

    @property
    def token(self) -> str:
        """The first of them."""
        return self.tokens[0]


def make_credentials(count: int = 1) -> Credentials:
    """A fresh key and `count` tokens signed with it, with the claims that the resident key manager writes."""
    key = RSAKey.generate_key(2048, {"kid": "bench", "alg": "RS256", "use": "sig"}, private=True)
    tokens = tuple(_token(key, number) for number in range(count))
    return Credentials(ISSUER, json.dumps({"keys": [key.as_dict(private=False)]}), tokens)


def _token(key: RSAKey, number: int) -> str:
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": "bench",
        "azp": CLIENT,
        "client_id": CLIENT,
        "aud": CLIENT,
        "scope": "default",
        "jti": f"bench-{number}",
        "iat": now,
        "nbf": now - 60,
        "exp": now + 86_400,
        "token_type": "APPLICATION",
        "aut": "APPLICATION",
    }
    return jwt.encode({"alg": "RS256", "kid": "bench", "typ": "at+jwt"}, claims, key)
