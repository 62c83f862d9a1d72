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

MOST_KEYS = 100


def read_keys(text: bytes) -> list[Key]:
    """The public keys of an RFC 7517 document; those of kinds not known here are left out. A key without name has
    no `kid`. Raises ValueError."""
    try:
        listed = msgspec.convert(msgspec.json.decode(text, type=dict[str, Any])["keys"], list[dict[str, Any]])[
            :MOST_KEYS
        ]
        usable = [one for one in listed if one.get("kty") in ("RSA", "EC", "OKP") and one.get("use", "sig") == "sig"]
        return [import_key(one) for one in usable]
    except (ValueError, KeyError, TypeError, JoseError) as error:
        raise ValueError(f"jwks is not a set of RFC 7517 keys: {error}") from error
