"""Accepted issuers with their keys, and keys fetched from an issuer's own address when it signs with new ones."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from joserfc.jwk import Key as JoseKey

from gateway.principal import Principal
from gateway.tokens.jwt import Rejected, bound_to, words
from gateway.tokens.keys import KEYS_LIMIT, read_keys
from gateway.tokens.verifier import Verifier

log = logging.getLogger("gateway")

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
            self.keys = {key.kid: key for key in found if key.kid} | ({"": found[0]} if len(found) == 1 else {})
        finally:
            self._under_way = None


class Issuer(Verifier):
    """A key manager as a gateway uses it: keys are fetched when a token names a new one. Raises ValueError as its base does."""

    keyring: Keyring | None = None

    def fetched(self, kid: str) -> JoseKey | None:
        """The key `kid`, or the only one, as the keyring has it now."""
        return self.keyring.keys.get(kid) if self.keyring is not None else None

    def principal(self, client_id: str, claims: dict[str, Any], expires: float, scopes: frozenset[str]) -> Principal:
        """Who a checked token of this issuer stands for. Raises Rejected when it is bound in a way that is not known here."""
        record = self.record
        self.check_audience(claims)
        bound, claims = bound_to(claims), self.mapped(claims)
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
            bound=bound,
            claims=claims,
        )
