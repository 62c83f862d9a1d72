"""API keys of applications and test keys of the publisher: JWTs that the platform itself signs, each of a type of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote_to_bytes

from gateway.principal import Principal
from gateway.tokens.jwt import LAST_MOMENT, Rejected, Token, check_signature, expiry

if TYPE_CHECKING:
    from gateway.call import Call
    from gateway.realm import Realm

Type = Literal["apikey+jwt", "internal+jwt"]
API_KEY: Type = "apikey+jwt"
TEST_KEY: Type = "internal+jwt"

PARAMETER = b"apikey"
"""Query parameter that an API key may come in."""

INTERNAL_HEADER = b"internal-key"
_beyond = re.compile(r"[?#]")

MOST_RULES = 100
MOST_STARS = 3
REFERER_LIMIT = 2048
"""Bytes of a `Referer` that are looked at; a longer one is none that was permitted."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Permitted pages: host and path, each divided at its stars. A star never crosses from one into the other."""

    host: tuple[str, ...]
    path: tuple[str, ...]

    def allow(self, host: str, path: str) -> bool:
        """Whether a page is one of them."""
        return fits(self.host, host) and fits(self.path, path)


def fits(pieces: tuple[str, ...], text: str) -> bool:
    """Whether `text` is the pieces in their order with anything between them; in linear time, unlike a regular expression."""
    if len(pieces) == 1:
        return text == pieces[0]
    first, last = pieces[0], pieces[-1]
    position, end = len(first), len(text) - len(last)
    if end < position or not text.startswith(first) or not text.endswith(last):
        return False
    for piece in pieces[1:-1]:
        position = text.find(piece, position, end)
        if position < 0:
            return False
        position += len(piece)
    return True


@dataclass(slots=True)
class SignedKey:
    """A checked key. `networks` and `referers` empty: from anywhere. `api`: the only API it opens, empty for any."""

    principal: Principal
    type: Type
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    referers: tuple[Pages, ...] = ()
    api: str = ""
    used: float = 0.0
    """When an API key was used last, Unix seconds; `told`: up to when the control plane knows (gateway.key_uses)."""

    told: float = 0.0

    def admit(self, address: str, referer: bytes) -> None:
        """Raises Rejected for a caller from elsewhere."""
        if self.networks and not self._near(address):
            raise Rejected(f"address {address} is not permitted")
        if self.referers:
            host, _, path = bare(referer[: REFERER_LIMIT + 1].decode("latin-1")).partition("/")
            if len(referer) > REFERER_LIMIT or not any(rule.allow(host.lower(), path) for rule in self.referers):
                raise Rejected("referer is not permitted")

    def _near(self, address: str) -> bool:
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None)
        return any(found in network or (mapped is not None and mapped in network) for network in self.networks)


def check(realm: Realm, raw: bytes, wanted: Type, now: float) -> SignedKey:
    """The key in `raw`, checked once and then remembered. Raises Rejected."""
    known: SignedKey | None = realm.keys.get(raw)
    if known is None or known.principal.expires <= now:
        known = _checked(realm, Token(raw), now)
        realm.keys.keep(raw, known)
    if known.type != wanted:
        raise Rejected(f"a key of type {known.type}")
    return known


def _checked(realm: Realm, token: Token, now: float) -> SignedKey:
    issuer = realm.resident
    if issuer is None or token.claims.get("iss") != issuer.record.issuer:
        raise Rejected(f"issuer {token.claims.get('iss')!r} is not the platform")
    check_signature(token, issuer)
    claims = token.claims
    # A key without an end says so; one that lacks the claim is not ours.
    ends = float(LAST_MOMENT) if claims.get("exp") == -1 else expiry(claims, issuer.record.leeway_seconds, now)
    if str(claims.get("jti", "")) in realm.revoked:
        raise Rejected("revoked")
    if token.type == API_KEY:
        return _api_key(claims, ends)
    if token.type == TEST_KEY:
        return _test_key(claims, ends, realm.organisation)
    raise Rejected(f"typ {token.type!r} is neither an API key's nor a test key's")


def _api_key(claims: dict[str, Any], ends: float) -> SignedKey:
    application = claims.get("application")
    uuid = str(application.get("uuid", "")) if isinstance(application, dict) else ""
    if not uuid:
        raise Rejected("it names no application")
    sandbox = claims.get("keytype") == "SANDBOX"
    principal = _principal(f"@application:{'SANDBOX' if sandbox else 'PRODUCTION'}:{uuid}", claims, ends, "api_key")
    return SignedKey(
        principal, API_KEY, _networks(claims.get("permittedIP")), _referers(claims.get("permittedReferer"))
    )


def _test_key(claims: dict[str, Any], ends: float, organisation: str) -> SignedKey:
    api = claims.get("api")
    if not isinstance(api, str) or not api or claims.get("org") != organisation:
        raise Rejected("it names no API of this organisation")
    side = "SANDBOX" if claims.get("keytype") == "SANDBOX" else "PRODUCTION"
    return SignedKey(_principal(f"@internal:{side}", claims, ends, "internal"), TEST_KEY, api=api)


def _principal(consumer: str, claims: dict[str, Any], ends: float, kind: Literal["api_key", "internal"]) -> Principal:
    return Principal(
        consumer=consumer,
        client_id="",
        key_manager="",
        subject=str(claims.get("sub", "")),
        token_id=str(claims.get("jti", "")),
        expires=ends,
        is_application=True,
        kind=kind,
        free=True,
        claims=claims,
    )


def _networks(text: object) -> tuple[IPv4Network | IPv6Network, ...]:
    """Addresses and ranges. A rule that cannot be read must not open the key to everybody: Rejected."""
    try:
        return tuple(ip_network(rule, strict=False) for rule in _rules(text))
    except ValueError as error:
        raise Rejected(f"permitted addresses: {error}") from error


def _referers(text: object) -> tuple[Pages, ...]:
    """Permitted addresses of pages, where `*` stands for part of the host, or for anything in the path."""
    found = []
    for rule in _rules(text):
        if rule.count("*") > MOST_STARS:
            raise Rejected(f"permitted referer {rule!r} has more than {MOST_STARS} stars")
        host, _, path = bare(rule).partition("/")
        found.append(Pages(tuple(host.lower().split("*")), tuple(path.split("*"))))
    return tuple(found)


def _rules(text: object) -> list[str]:
    rules = [rule.strip() for rule in text.split(",")] if isinstance(text, str) else []
    if len(rules) > MOST_RULES:
        raise Rejected(f"more than {MOST_RULES} rules")
    return [rule for rule in rules if rule]


def bare(address: str) -> str:
    """A page's address without scheme, query and fragment."""
    return _beyond.split(address.partition("://")[2] if "://" in address else address, maxsplit=1)[0]


def from_query(call: Call) -> bytes | None:
    """The API key in the query, which is taken out of what the backend gets; None when there is none."""
    query = call.exchange.query
    if PARAMETER not in query:
        return None
    mine = next((pair for pair in query.split(b"&") if _is_key(pair)), None)
    if mine is None:
        return None
    request = call.edit()
    request.target = without_key(request.target)
    return unquote_to_bytes(mine.partition(b"=")[2]).strip()


def without_key(target: bytes) -> bytes:
    """A request target without an API key in its query: what backends, agents and logs may see."""
    path, _, query = target.partition(b"?")
    if PARAMETER not in query:
        return target
    rest = b"&".join(pair for pair in query.split(b"&") if not _is_key(pair))
    return path + b"?" + rest if rest else path


def _is_key(pair: bytes) -> bool:
    return pair.partition(b"=")[0] == PARAMETER
