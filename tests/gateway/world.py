"""Records, keys and tokens that are valid by default, for gateway tests."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from joserfc import jwk, jwt

from gateway import schema

ISSUER = "https://localhost:9443/oauth2/token"
ORGANISATION = "carbon.super"
MANAGER = f"{ORGANISATION}:Resident"

_numbers = count(1)

WINDOW = 86_400_000
"""Seconds of a limit's window: a thousand days, so that no test runs over its end, not even at midnight."""


@dataclass
class Signer:
    """A key manager's private key; `token()` signs what our key manager would issue."""

    kid: str = "k1"
    key: Any = field(default_factory=lambda: jwk.RSAKey.generate_key(2048, {"kid": "k1"}))
    algorithm: str = "RS256"

    @property
    def jwks(self) -> str:
        """The public key set."""
        return json.dumps({"keys": [self.key.as_dict(private=False)]})

    def token(self, client: str = "client-1", *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A signed access token; a claim given as None is left out."""
        now = int(time.time())
        full = {
            "iss": ISSUER, "sub": client, "aud": client, "azp": client, "scope": "default", "exp": now + 3600,
            "iat": now, "nbf": now, "jti": f"jti-{next(_numbers)}", "aut": "APPLICATION",
        } | claims  # fmt: skip
        full = {name: value for name, value in full.items() if value is not None}
        head = {"alg": self.algorithm, "kid": self.kid, "typ": "at+jwt"} | (header or {})
        return jwt.encode(head, full, self.key, algorithms=[self.algorithm])


def key_manager(signer: Signer, **changes: Any) -> schema.KeyManager:
    """The resident key manager of the test organisation."""
    return schema.KeyManager(
        **{"organisation": ORGANISATION, "name": "Resident", "issuer": ISSUER, "jwks": signer.jwks} | changes
    )


def api(name: str, backend: str, *operations: schema.Operation, **changes: Any) -> schema.Api:
    """An API `name` 1.0 at `/name/1.0`; without operations it takes everything."""
    verbs = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD")
    fields: dict[str, Any] = {
        "id": f"id-{name}", "organisation": ORGANISATION, "name": name, "version": "1.0", "context": f"/{name}/1.0",
        "provider": "admin", "revision": 1, "operations": operations or tuple(schema.Operation(verb, "/*") for verb in verbs),
        "production": schema.Endpoint(backend, connect_timeout_ms=1000, timeout_ms=2000),
    }  # fmt: skip
    return schema.Api(**fields | changes)


def application(number: int = 1, policy: str = "Unlimited") -> list[tuple[str, str, schema.Record]]:
    """An application and its production and sandbox clients `client-N` and `sandbox-N`."""
    one = schema.Application(f"app-{number}", ORGANISATION, f"App {number}", "somebody", policy)
    return [
        ("application", one.id, one),
        ("key", f"{MANAGER}:client-{number}", schema.Key(f"client-{number}", MANAGER, one.id)),
        ("key", f"{MANAGER}:sandbox-{number}", schema.Key(f"sandbox-{number}", MANAGER, one.id, "SANDBOX")),
    ]


def subscription(
    name: str, number: int = 1, plan: str = "Unlimited", state: Any = "UNBLOCKED"
) -> tuple[str, str, schema.Record]:
    """Application `number` subscribes to the API `name`."""
    one = schema.Subscription(f"sub-{name}-{number}", f"id-{name}", f"app-{number}", plan, state)
    return ("subscription", one.id, one)


def policy(level: Any, name: str, amount: int = 0, **changes: Any) -> tuple[str, str, schema.Record]:
    """A policy of `amount` calls in a window that does not end while tests run."""
    quota = schema.Limit(amount, WINDOW) if amount else None
    one = schema.Policy(**{"organisation": ORGANISATION, "level": level, "name": name, "quota": quota} | changes)
    return ("policy", f"{ORGANISATION}:{level}:{name}", one)
