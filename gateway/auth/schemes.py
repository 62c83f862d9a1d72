"""The credentials that an API may ask for, each as a function from a call to a principal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from gateway.auth import signed_keys
from gateway.conditions import where
from gateway.principal import Principal
from gateway.tokens.jwt import Rejected

if TYPE_CHECKING:
    from gateway.auth.certificates import Certificates, Shown
    from gateway.call import Call
    from gateway.realm import Realm
    from gateway.services import Services

Found = Principal | Awaitable[Principal] | None
Scheme = Callable[["Call"], Found]
"""None: the call has no such credential. Awaitable: somebody has to be asked. Raises Rejected for one that does not count."""


def bearer(realm: Realm, header: bytes, certificates: Certificates) -> Scheme:
    """OAuth2: signed or opaque access tokens."""
    tokens = realm.tokens

    def oauth2(call: Call) -> Found:
        raw = call.exchange.fields.get(header)
        if raw is None or raw[:7].lower() != b"bearer ":
            return None
        known = tokens.get(raw)
        if known is not None and known.expires > call.now:
            return known
        tokens.pop(raw, None)
        found = realm.verify(raw, call.now)
        if isinstance(found, Principal):
            return held(found, call, certificates)
        return _held_later(found, call, certificates)

    return oauth2


async def _held_later(found: Awaitable[Principal], call: Call, certificates: Certificates) -> Principal:
    return held(await found, call, certificates)


def held(principal: Principal, call: Call, certificates: Certificates) -> Principal:
    """The principal, when its token is bound to no certificate or comes with that one (RFC 8705). Raises Rejected."""
    if principal.bound:
        shown = certificates.of(call.exchange, call.now)
        if shown is None or shown.thumbprint != principal.bound:
            raise Rejected("the token is bound to another client certificate")
    return principal


def api_key(realm: Realm, header: bytes, services: Services) -> Scheme:
    """API keys, in a header or the query."""
    caller = where(services.proxies)

    def keyed(call: Call) -> Found:
        exchange = call.exchange
        raw = exchange.fields.get(header) or signed_keys.from_query(call)
        if not raw:
            return None
        found = signed_keys.check(realm, raw, signed_keys.API_KEY, call.now)
        if found.networks or found.referers:
            found.admit(caller(call), exchange.fields.get(b"referer", b""))
        found.used = call.now
        return found.principal

    return keyed


def test_key(realm: Realm) -> Scheme:
    """Internal test keys of the publisher, each for one API."""

    def internal(call: Call) -> Found:
        raw = call.exchange.fields.get(signed_keys.INTERNAL_HEADER)
        if raw is None:
            return None
        found = signed_keys.check(realm, raw, signed_keys.TEST_KEY, call.now)
        if call.api is None or found.api != call.api.record.id:
            raise Rejected(f"a test key for the API {found.api}")
        return found.principal

    return internal


def basic(services: Services, organisation: str, header: bytes) -> Scheme:
    """User name and password."""
    people = services.people
    caller = where(services.proxies)

    def person(call: Call) -> Found:
        raw = call.exchange.fields.get(header)
        if raw is None or raw[:6].lower() != b"basic ":
            return None
        return people.check(organisation, raw, caller(call), call.now)

    return person


def certificate(services: Services, api: str) -> Callable[[Call], Principal | None]:
    """The client certificate of a call, when it is one of this API's. None without one; raises Rejected for others."""

    def mutual(call: Call) -> Principal | None:
        shown = services.certificates.of(call.exchange, call.now)
        if shown is None:
            return None
        if shown.thumbprint not in services.current().certificates.get(api, {}):
            raise Rejected(f"the client certificate {shown.name!r} is not one of this API's")
        return _holder(shown)

    return mutual


def _holder(shown: Shown) -> Principal:
    return Principal(
        consumer=f"@certificate:{shown.thumbprint}",
        client_id="",
        key_manager="",
        subject=shown.name,
        token_id="",
        expires=shown.ends,
        is_application=True,
        kind="certificate",
        free=True,
    )
