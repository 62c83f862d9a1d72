"""Public keys of issuers, read from RFC 7517 documents."""

from __future__ import annotations

from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

ASYMMETRIC = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Signature algorithms that can be checked without a shared secret. `none` and HMAC are never accepted."""

KEYS_LIMIT = 256 * 1024
"""Longest key document taken, bytes."""

MOST_KEYS = 1000

_UNREADABLE = (ValueError, KeyError, TypeError, JoseError)


def read_keys(text: bytes) -> list[Key]:
    """The public keys of an RFC 7517 document; those of kinds not known here and broken ones are left out, for a set may hold
    keys that are meant for others (its section 5). A key without name has no `kid`. Raises ValueError for what is no set, and
    when none of its keys can be read."""
    try:
        listed = msgspec.convert(msgspec.json.decode(text, type=dict[str, Any])["keys"], list[dict[str, Any]])[
            :MOST_KEYS
        ]
    except _UNREADABLE as error:
        raise ValueError(f"jwks is not a set of RFC 7517 keys: {error}") from error
    found: list[Key] = []
    broken: Exception | None = None
    for one in listed:
        if one.get("kty") not in ("RSA", "EC", "OKP") or one.get("use", "sig") != "sig":
            continue
        try:
            found.append(import_key(one))
        except _UNREADABLE as error:
            broken = broken or error
    if broken is not None and not found:
        raise ValueError(f"jwks is not a set of RFC 7517 keys: {broken}")
    return found
