"""A key manager's record made ready to check tokens: keys parsed, patterns compiled, claims mapped."""

from __future__ import annotations

from typing import Any

from joserfc import jws
from joserfc.jwk import Key

from gateway.schema import KeyManager
from gateway.tokens.jwt import Rejected, Token, UnknownKey, words
from gateway.tokens.keys import ASYMMETRIC, read_keys
from gateway.tokens.patterns import compile_patterns

TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt", "jwt"})
"""JWT header types of access tokens. API keys and internal test keys have types of their own and are none."""


class Verifier:
    """A key manager with its keys parsed. Raises ValueError, naming what is wrong, for a record it cannot use."""

    def __init__(self, record: KeyManager) -> None:
        unknown = sorted(set(record.algorithms) - ASYMMETRIC)
        if unknown or not record.algorithms:
            raise ValueError(f"algorithms {unknown} are not among {sorted(ASYMMETRIC)}")
        self.record = record
        self.key_manager = f"{record.organisation}:{record.name}"
        registry = jws.JWSRegistry(algorithms=list(record.algorithms))
        self.algorithms: dict[str, Any] = {name: registry.get_alg(name) for name in record.algorithms}
        if record.jwks or not (record.jwks_url or record.introspection_url):
            self._keys = read_keys(record.jwks.encode())
        else:
            self._keys = []
        kids = [key.kid or key.thumbprint() for key in self._keys]
        self._named = {kid: key for kid, key in zip(kids, self._keys, strict=True) if kids.count(kid) == 1}
        nameless = [key for key in self._keys if not key.kid]
        self._nameless = nameless[0] if len(nameless) == 1 and not record.jwks_url else None
        self.introspects_all = bool(record.introspection_url) and not self._keys and not record.jwks_url
        """Whether its JWTs cannot be checked here, so that it must be asked about them."""

        self.pattern = compile_patterns(record.patterns)
        self._renamed = dict(record.claim_mapping)

    def fetched(self, kid: str) -> Key | None:
        """The key `kid` (empty: the only one) as the issuer's `jwks_url` gave it last; None here, where nothing is fetched."""
        return None

    def takes(self, raw: bytes, token: Token | None) -> bool:
        """Whether a token (None parsed: an opaque one) is of the kind that this key manager issues."""
        return self.pattern is None or self.pattern(raw, token)

    def key(self, kid: object) -> Key:
        """The key a token names, or the only one; a certificate has no name and stands for any.

        Raises UnknownKey, or Rejected when the token names none of several.
        """
        if kid is None and len(self._keys) == 1:
            return self._keys[0]
        if not (isinstance(kid, str) or (kid is None and self.record.jwks_url)):
            raise Rejected(f"key {kid!r} is not one of {self.key_manager}")
        found = self._named.get(kid or "") or self.fetched(kid or "") or self._nameless
        if found is None:
            raise UnknownKey(f"key {kid!r} is not one of {self.key_manager}")
        return found

    def check_audience(self, claims: dict[str, Any]) -> None:
        """Raises Rejected when the key manager's tokens must name an audience and this one does not."""
        wanted = self.record.audience
        if wanted and wanted not in words(claims.get("aud")):
            raise Rejected(f"audience {sorted(words(claims.get('aud')))} does not hold {wanted!r}")

    def client_of(self, claims: dict[str, Any]) -> str:
        """The OAuth client that a token was issued to. Raises Rejected when it names none."""
        value = claims.get(self.record.client_claim)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        client_id = str(value or "")
        if not client_id:
            raise Rejected(f"claim {self.record.client_claim} is missing")
        return client_id

    def scopes_of(self, claims: dict[str, Any]) -> frozenset[str]:
        """The scopes of a token."""
        return words(claims.get(self.record.scope_claim))

    def mapped(self, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims under the names that they have here. Without a mapping these are the very ones given."""
        renamed = self._renamed
        if not renamed:
            return claims
        kept = {name: value for name, value in claims.items() if name not in renamed}
        return kept | {renamed[name]: value for name, value in claims.items() if name in renamed}
