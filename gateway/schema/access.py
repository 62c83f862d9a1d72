"""Who may call: applications, their keys, subscriptions, key managers, client certificates and revoked tokens."""

from __future__ import annotations

from typing import Literal

from gateway.schema.base import Pairs, Record


class Application(Record, frozen=True):
    """A consumer application. Key: its id (uuid text). `policy` names an `application`-level policy."""

    id: str
    organisation: str
    name: str
    owner: str
    policy: str = "Unlimited"


class Key(Record, frozen=True):
    """An OAuth client of an application. Key: `{key_manager}:{client_id}`, key_manager as in KeyManager's key."""

    client_id: str
    key_manager: str
    application: str
    key_type: Literal["PRODUCTION", "SANDBOX"] = "PRODUCTION"


class Subscription(Record, frozen=True):
    """An application's subscription to an API. Key: its id (uuid text). `plan` names a `subscription` policy."""

    id: str
    api: str
    application: str
    plan: str
    state: Literal["UNBLOCKED", "BLOCKED", "PROD_ONLY_BLOCKED", "ON_HOLD", "REJECTED", "TIER_UPDATE_PENDING"] = (
        "UNBLOCKED"
    )


class TokenPattern(Record, frozen=True):
    """Which tokens a key manager issues: `value` for the whole token (REFERENCE: an opaque one, CUSTOM: any), `header` and `body`
    for members of a JWT. All are RE2 expressions for a whole text."""

    kind: Literal["REFERENCE", "JWT", "CUSTOM"]
    value: str = ""
    header: Pairs = ()
    body: Pairs = ()


class KeyManager(Record, frozen=True):
    """An accepted token issuer. Key: `{organisation}:{name}`. `jwks` is the RFC 7517 document, as text.

    `client_claim` names the claim that holds the OAuth client id; `scope_claim` the space-separated scopes. Opaque tokens are
    asked about at `introspection_url` with the gateway's own credentials there; empty means that this issuer has none.
    `jwks_url` is asked again when a token names a key that `jwks` does not hold; of an issuer with neither, JWTs are introspected
    too. `resident` is the platform itself: it alone issues API keys and internal test keys, and its claim `org` says whose
    client a token is for. `claim_mapping`: names of claims there and here. `patterns`: a token that fits none of them is not
    one of its tokens; none at all: every token may be. `audience`: what its tokens must be meant for, empty for anything.
    """

    organisation: str
    name: str
    issuer: str
    jwks: str
    client_claim: str = "azp"
    scope_claim: str = "scope"
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    leeway_seconds: int = 5
    enabled: bool = True
    jwks_url: str = ""
    introspection_url: str = ""
    introspection_user: str = ""
    introspection_password: str = ""
    resident: bool = False
    claim_mapping: Pairs = ()
    patterns: tuple[TokenPattern, ...] = ()
    audience: str = ""


class ClientCertificate(Record, frozen=True):
    """A client certificate of an API with mutual TLS (reference A5). Key: `{api}:{key_type}:{alias}`.

    `thumbprint`: lower-case hex SHA-256 of the DER certificate. `tier` names a `subscription` policy.
    """

    api: str
    alias: str
    thumbprint: str
    tier: str = "Unlimited"
    key_type: Literal["PRODUCTION", "SANDBOX"] = "PRODUCTION"
    pem: str = ""


class Revocation(Record, frozen=True):
    """A revoked access token or API key, by its `jti`. Key: the jti. May be forgotten after `expires` (Unix seconds)."""

    jti: str
    expires: int
