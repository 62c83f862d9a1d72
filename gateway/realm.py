"""Credentials of one organisation: its issuers, and what was checked already."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from gateway.auth import introspection, remote
from gateway.auth.caches import Bounded, Refused
from gateway.auth.issuers import Issuer, Keyring
from gateway.principal import Principal
from gateway.tokens.jwt import TOKEN_LIMIT, Rejected, Token, UnknownKey, check_signature, expiry
from gateway.tokens.verifier import TOKEN_TYPES
from wire.client import Client

__all__ = ["Issuer", "Realm", "Rejected"]

REFUSED_SECONDS = 5.0
"""For which an opaque token stays refused without another question to its issuer."""


class Realm:
    """The issuers of one organisation and its cache: raw authorization header → principal, oldest out first.

    `client` gives what makes the calls to issuers; `opaque_seconds` bounds how long the answer to an introspection is believed.
    """

    def __init__(
        self, organisation: str, capacity: int, client: Callable[[], Client], opaque_seconds: float = 60.0
    ) -> None:
        self.organisation = organisation
        self.client = client
        self.opaque_seconds = opaque_seconds
        self.tokens: Bounded[bytes, Principal] = Bounded(capacity)
        self.bound: Bounded[bytes, Principal] = Bounded(capacity)
        """Tokens that only count together with a client certificate: never in `tokens`, which is looked at first."""

        self.keys: Bounded[bytes, Any] = Bounded(capacity)
        """API keys and internal test keys, checked (gateway.auth.signed_keys)."""

        self.issuers: dict[str, tuple[Issuer, ...]] = {}
        self.resident: Issuer | None = None
        """The platform itself, also when its OAuth tokens are switched off: it signs API keys."""

        self.revoked: dict[str, int] = {}
        self.steps: dict[Any, Any] = {}
        """The steps of gateway.stages.authenticate that check for this realm and are shared by its APIs."""

        self._opaque: set[bytes] = set()
        self._changes = 0
        self._refused = Refused(10_000, REFUSED_SECONDS)
        self._asking: remote.Once[Principal] = remote.Once()

    def verify(self, raw: bytes, now: float) -> Principal | Awaitable[Principal]:
        """The principal of a `Bearer` value; awaitable when its issuer has to be asked first. Raises Rejected."""
        token = raw.partition(b" ")[2].strip()
        if not token or len(token) > TOKEN_LIMIT:
            raise Rejected("no bearer token, or too long a one")
        known = self.bound.get(raw)
        if known is not None and known.expires > now:
            return known
        if token.count(b".") != 2:
            return self._introspect(raw, token, now, self._asked(token))
        return self._check(raw, token, now)

    def adopt(self, issuers: dict[str, tuple[Issuer, ...]], resident: Issuer | None, keyrings: Keyrings) -> None:
        """The issuers from now on."""
        self.issuers, self.resident = issuers, resident
        for issuer in (one for several in issuers.values() for one in several):
            if issuer.record.jwks_url:
                issuer.keyring = keyrings.of(issuer.record.jwks_url)

    def forget(self, token_ids: set[str]) -> None:
        """Drops revoked tokens. Opaque ones without an id of their own might be among them, so they are asked about anew."""
        for cache in (self.tokens, self.bound):
            for raw in [raw for raw, known in cache.items() if known.token_id in token_ids]:
                del cache[raw]
        for raw in self._opaque:
            self.tokens.pop(raw, None)
        self._start_over()

    def clear(self) -> None:
        """Forgets every credential."""
        for cache in (self.tokens, self.bound):
            cache.clear()
        self._start_over()

    def _start_over(self) -> None:
        self._opaque.clear()
        self._refused.clear()
        self.keys.clear()
        self._changes += 1

    def _check(self, raw: bytes, token: bytes, now: float) -> Principal | Awaitable[Principal]:
        parsed = Token(token)
        if parsed.type not in TOKEN_TYPES:
            raise Rejected(f"typ {parsed.header.get('typ')!r} is not an access token's")
        known = self.issuers.get(str(parsed.claims.get("iss", ""))) or self.issuers.get("", ())
        issuers = tuple(issuer for issuer in known if issuer.takes(token, parsed))
        if not issuers:
            why = "takes no token like this one" if known else "is not accepted here"
            raise Rejected(f"issuer {parsed.claims.get('iss')!r} {why}")
        asked = [issuer for issuer in issuers if issuer.introspects_all]
        if asked:
            return self._introspect(raw, token, now, asked)
        try:
            return self._keep(raw, self._signed(parsed, issuers, now))
        except UnknownKey:
            rings = [issuer.keyring for issuer in issuers if issuer.keyring is not None]
            if not rings:
                raise
            return self._with_new_keys(raw, parsed, issuers, rings, now)

    async def _with_new_keys(
        self, raw: bytes, parsed: Token, issuers: tuple[Issuer, ...], rings: list[Keyring], now: float
    ) -> Principal:
        changes = self._changes
        for ring in rings:
            await ring.refresh()
        found = self._signed(parsed, issuers, now)
        # The issuer may have been taken away meanwhile: good for this call only.
        return found if changes != self._changes else self._keep(raw, found)

    def _signed(self, parsed: Token, issuers: tuple[Issuer, ...], now: float) -> Principal:
        """The principal as the issuer that signed the token means it. Raises UnknownKey when another key might be it."""
        reason: Rejected = Rejected("no issuer")
        for issuer in issuers:
            try:
                check_signature(parsed, issuer)
            except Rejected as rejected:
                reason = rejected if not isinstance(reason, UnknownKey) else reason
            else:
                return self._principal(issuer, parsed.claims, now)
        raise reason

    def _principal(self, issuer: Issuer, claims: dict[str, Any], now: float) -> Principal:
        record = issuer.record
        expires = expiry(claims, record.leeway_seconds, now)
        if str(claims.get("jti", "")) in self.revoked:
            raise Rejected("revoked")
        return issuer.principal(issuer.client_of(claims), claims, expires, issuer.scopes_of(claims))

    def _keep(self, raw: bytes, principal: Principal) -> Principal:
        (self.bound if principal.bound else self.tokens).keep(raw, principal)
        return principal

    def _asked(self, token: bytes) -> list[Issuer]:
        """The issuers that can be asked about this opaque token."""
        known = (issuer for several in self.issuers.values() for issuer in several)
        return [issuer for issuer in known if issuer.record.introspection_url and issuer.takes(token, None)]

    def _introspect(self, raw: bytes, token: bytes, now: float, issuers: list[Issuer]) -> Awaitable[Principal]:
        if not issuers:
            raise Rejected("not a signed JWT, and no issuer can be asked about it")
        why = self._refused.why(token, now)
        if why is not None:
            raise Rejected(why)
        return self._asking.ask(token, lambda: self._ask(raw, token, now, issuers))

    async def _ask(self, raw: bytes, token: bytes, now: float, issuers: list[Issuer]) -> Principal:
        reason: Rejected = Rejected("no issuer")
        changes = self._changes
        for issuer in issuers:
            try:
                found = await introspection.ask(self.client(), issuer, token, now, self.opaque_seconds)
            except Rejected as rejected:
                reason = reason if isinstance(reason, remote.Unanswered) else rejected
                continue
            if found.token_id and found.token_id in self.revoked:
                raise Rejected("revoked")
            if changes != self._changes:  # revoked while its issuer answered, perhaps: good for the waiting calls only
                return found
            if not found.token_id and not found.bound:
                if len(self._opaque) > self.tokens.capacity:
                    self._opaque.clear()
                self._opaque.add(raw)
            return self._keep(raw, found)
        if not isinstance(reason, remote.Unanswered):
            self._refused.add(token, str(reason), now)
        raise reason


class Keyrings:
    """The keyrings of a worker, by address: they outlive the records that name them."""

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client
        self._rings: dict[str, Keyring] = {}

    def of(self, url: str) -> Keyring:
        """The keyring of an address, made at first need."""
        found = self._rings.get(url)
        if found is None:
            found = self._rings[url] = Keyring(url, self._fetch)
        return found

    async def _fetch(self, url: str, limit: int) -> bytes:
        status, content = await remote.fetch(
            self._client(), "GET", url, [(b"accept", b"application/json")], None, limit
        )
        if status != 200:
            raise remote.Unanswered(f"{url} answered {status}")
        return content
