"""Accepted issuers with their keys, and keys fetched from an issuer's own address when it signs with new ones."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key as JoseKey
from joserfc.jwk import KeySet

from gateway.auth.jwt import Rejected, UnknownKey, bound_to, words
from gateway.principal import Principal
from gateway.schema import KeyManager

log = logging.getLogger("gateway")

ASYMMETRIC = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Signature algorithms a gateway can check without a shared secret. `none` and HMAC are never accepted."""

KEYS_LIMIT = 256 * 1024
"""Longest key document taken, bytes."""

MOST_KEYS = 100
FETCH_EVERY = 10.0
"""Seconds between two fetches from one address, however many tokens name unknown keys."""

Fetch = Callable[[str, int], Awaitable[bytes]]
"""The content of an address, of at most so many bytes. Raises Rejected."""


class Keyring:
    """The keys that one `jwks_url` gave last. A failed fetch leaves what was there."""

    def __init__(self, url: str, fetch: Fetch) -> None:
        self.url = url
        self.keys: dict[str, JoseKey] = {}
        self._fetch = fetch
        self._asked = -FETCH_EVERY
        self._under_way: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        """Fetches once for all that wait, and not again before FETCH_EVERY seconds have passed."""
        if self._under_way is None:
            if time.monotonic() - self._asked < FETCH_EVERY:
                return
            self._asked = time.monotonic()
            self._under_way = asyncio.create_task(self._load())
        await asyncio.shield(self._under_way)

    async def _load(self) -> None:
        try:
            found = read_keys(await self._fetch(self.url, KEYS_LIMIT))
        except (Rejected, ValueError) as error:
            log.warning("keys not fetched", extra={"fields": {"jwks_url": self.url, "reason": str(error)}})
        else:
            self.keys = {key.kid: key for key in found if key.kid}
        finally:
            self._under_way = None


class Issuer:
    """A key manager with its keys parsed. Raises ValueError, naming what is wrong, for a record it cannot use."""

    def __init__(self, record: KeyManager) -> None:
        unknown = sorted(set(record.algorithms) - ASYMMETRIC)
        if unknown or not record.algorithms:
            raise ValueError(f"algorithms {unknown} are not among {sorted(ASYMMETRIC)}")
        self.record = record
        self.key_manager = f"{record.organisation}:{record.name}"
        registry = jws.JWSRegistry(algorithms=list(record.algorithms))
        self.algorithms: dict[str, Any] = {name: registry.get_alg(name) for name in record.algorithms}
        self.keyring: Keyring | None = None
        if record.jwks or not (record.jwks_url or record.introspection_url):
            self._keys = read_keys(record.jwks.encode())
        else:
            self._keys = []
        kids = [key.kid for key in self._keys]
        self._named = {key.kid: key for key in self._keys if key.kid and kids.count(key.kid) == 1}
        self.introspects_all = bool(record.introspection_url) and not self._keys and not record.jwks_url
        """Whether its JWTs cannot be checked here, so that it must be asked about them."""

    def key(self, kid: object) -> JoseKey:
        """The key a token names, or the only one. Raises UnknownKey, or Rejected when it names none of several."""
        if kid is None and len(self._keys) == 1:
            return self._keys[0]
        if not isinstance(kid, str):
            raise Rejected(f"key {kid!r} is not one of {self.key_manager}")
        named = self._named.get(kid)
        if named is not None:
            return named
        fetched = self.keyring.keys.get(kid) if self.keyring is not None else None
        if fetched is None:
            raise UnknownKey(f"key {kid!r} is not one of {self.key_manager}")
        return fetched

    def principal(self, client_id: str, claims: dict[str, Any], expires: float, scopes: frozenset[str]) -> Principal:
        """Who a checked token of this issuer stands for. Raises Rejected when it is bound in a way that is not known here."""
        record = self.record
        subject = str(claims.get("sub") or claims.get("username") or "")
        kind = claims.get("aut")
        owner = str(claims.get("org", record.organisation)) if record.resident else record.organisation
        return Principal(
            consumer=f"{owner}:{record.name}:{client_id}",
            client_id=client_id,
            key_manager=record.name,
            subject=subject,
            token_id=str(claims.get("jti", "")),
            expires=expires,
            scopes=scopes,
            audiences=words(claims.get("aud")),
            is_application=kind == "APPLICATION" if kind is not None else subject in ("", client_id),
            bound=bound_to(claims),
            claims=claims,
        )


def read_keys(text: bytes) -> list[JoseKey]:
    """The public keys of an RFC 7517 document; those of kinds not known here are left out. Raises ValueError."""
    try:
        listed = msgspec.convert(msgspec.json.decode(text, type=dict[str, Any])["keys"], list[dict[str, Any]])[
            :MOST_KEYS
        ]
        usable = [one for one in listed if one.get("kty") in ("RSA", "EC", "OKP") and one.get("use", "sig") == "sig"]
        return KeySet.import_key_set({"keys": usable}).keys if usable else []
    except (ValueError, KeyError, TypeError, JoseError) as error:
        raise ValueError(f"jwks is not a set of RFC 7517 keys: {error}") from error
