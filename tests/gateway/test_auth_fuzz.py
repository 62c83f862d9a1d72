"""Whatever bytes a caller shows as a credential: they are refused by name, and nothing else ever goes wrong."""

from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Callable

import pytest

from gateway.auth import basic, certificates, introspection, signed_keys
from gateway.auth.issuers import Issuer
from gateway.principal import Principal
from gateway.realm import Realm
from gateway.tokens.jwt import Rejected
from tests.gateway import world

ROUNDS = 1500


@pytest.fixture(scope="module")
def realm(signer: world.Signer) -> Realm:
    """An organisation whose issuer can be asked about nothing."""
    made = Realm(world.ORGANISATION, 100, lambda: None)  # type: ignore[arg-type, return-value]
    issuer = Issuer(world.key_manager(signer, resident=True))
    made.issuers, made.resident = {world.ISSUER: (issuer,)}, issuer
    return made


def part(value: object) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def odd_value(chance: random.Random) -> object:
    """A value that no claim should have."""
    deep: object = []
    for _ in range(chance.randrange(40)):
        deep = [deep]
    return chance.choice([None, True, -1, 2**70, 1e308, "", "\0", "x" * 300, [], {}, ["a", 1, None], {"a": {}}, deep])


def mutated(chance: random.Random, token: bytes) -> bytes:
    """A token with some bytes changed, parts exchanged, or claims of strange types."""
    kind = chance.randrange(4)
    if kind == 0:
        body = bytearray(token)
        for _ in range(chance.randrange(1, 6)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        return bytes(body)
    if kind == 1:
        return chance.randbytes(chance.randrange(80))
    head: dict[str, object] = {
        "alg": "RS256",
        "kid": "k1",
        "typ": chance.choice(["at+jwt", "apikey+jwt", "internal+jwt"]),
    }
    claims: dict[str, object] = {"iss": world.ISSUER, "exp": time.time() + 60, "azp": "client-1", "jti": "j"}
    changed = chance.choice([head, claims])
    names = [*changed, "nbf", "cnf", "aud", "scope", "application", "permittedIP", "api", "crit", "b64", "aut", "org"]
    for _ in range(chance.randrange(1, 4)):
        changed[chance.choice(names)] = odd_value(chance)
    pieces = [part(head), part(claims), token.rpartition(b".")[2]]
    if kind == 3:
        chance.shuffle(pieces)
    return b".".join(pieces)


def refused(check: Callable[[], object], shown: bytes) -> None:
    try:
        found = check()
    except Rejected:
        return
    raise AssertionError(f"{shown!r} was taken: {found!r}")


def test_mangled_tokens_and_keys(realm: Realm, signer: world.Signer) -> None:
    chance = random.Random(7)
    token = signer.token().encode()
    for _ in range(ROUNDS):
        shown = mutated(chance, token)
        if shown == token:
            continue
        refused(lambda raw=shown: realm.verify(b"Bearer " + raw, time.time()), shown)  # type: ignore[misc]
        for kind in (signed_keys.API_KEY, signed_keys.TEST_KEY):
            refused(lambda raw=shown, k=kind: signed_keys.check(realm, raw, k, time.time()), shown)  # type: ignore[misc]
    assert not realm.tokens
    assert not realm.keys


def test_signed_claims_of_strange_types(realm: Realm, signer: world.Signer) -> None:
    chance = random.Random(11)
    for _ in range(150):
        claims = {
            name: odd_value(chance)
            for name in chance.sample(["sub", "aud", "scope", "cnf", "aut", "nbf", "jti", "org"], 3)
        }
        try:
            found = realm.verify(f"Bearer {signer.token(**claims)}".encode(), time.time())
        except Rejected:
            continue
        assert isinstance(found, Principal)
        assert all(isinstance(scope, str) for scope in found.scopes | found.audiences)


def test_introspection_answers_of_strange_types(realm: Realm) -> None:
    chance = random.Random(13)
    issuer = realm.resident
    assert issuer is not None
    names = ["exp", "nbf", "iss", "scope", "azp", "client_id", "token_type", "cnf", "sub", "aud", "jti"]
    for _ in range(ROUNDS):
        claims = {"active": True, "azp": "client-1"} | {name: odd_value(chance) for name in chance.sample(names, 3)}
        try:
            found = introspection.principal(issuer, claims, time.time(), 60)
        except Rejected:
            continue
        assert found.expires <= time.time() + 61


@pytest.mark.parametrize("read", [basic.credentials, certificates.read])
def test_other_credentials(read: Callable[[bytes], object]) -> None:
    chance = random.Random(17)
    for _ in range(ROUNDS):
        raw = chance.choice([b"Basic ", b"", b"0\x82", b"-----BEGIN CERTIFICATE-----", b"%3"]) + chance.randbytes(
            chance.randrange(60)
        )
        try:
            read(raw)
        except Rejected:
            continue


def test_referers_take_no_time(realm: Realm) -> None:
    rules = signed_keys._referers("*a*a*,*.example.com/*a*")
    key = signed_keys.SignedKey(None, signed_keys.API_KEY, referers=rules)  # type: ignore[arg-type]
    began = time.process_time()
    for host in (b"a" * 1900, b"x.example.com"):
        with pytest.raises(Rejected):
            key.admit("127.0.0.1", b"https://" + host + b"/" + b"b" * 100)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("rule", "page", "permitted"),
    [
        ("www.example.com/path", "https://www.example.com/path", True),
        ("www.example.com/path", "https://WWW.example.com/path?x=1", True),
        ("www.example.com/path", "https://www.example.com/PATH", False),
        ("www.example.com/path", "https://www.example.com/path/more", False),
        ("www.example.com", "https://www.example.com/", True),
        ("www.example.com", "https://www.example.com/x", False),
        ("sub.example.com/*", "http://sub.example.com/any/thing", True),
        ("*.example.com/*", "https://a.b.example.com/", True),
        ("*.example.com/*", "https://example.com/", False),
        ("*.example.com/*", "https://evil.org/.example.com/", False),
        ("*.example.com/*", "https://evil.org?.example.com/", False),
        ("*.example.com/*", "https://evil.org#.example.com/", False),
        ("*.example.com/*", "https://user@evil.org:1@x.example.com/", True),
        ("a*a.example/*", "https://a.example/", False),
        ("*/shop/*/x", "https://h/shop/1/2/x", True),
    ],
)
def test_permitted_pages(rule: str, page: str, permitted: bool) -> None:
    key = signed_keys.SignedKey(None, signed_keys.API_KEY, referers=signed_keys._referers(rule))  # type: ignore[arg-type]
    try:
        key.admit("127.0.0.1", page.encode())
    except Rejected:
        assert not permitted
    else:
        assert permitted
