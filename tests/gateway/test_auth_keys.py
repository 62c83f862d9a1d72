"""Key sets of issuers as they are found in the world: with keys for others in them, broken ones, and very many."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc import jwk

from gateway import schema
from gateway.tokens.keys import read_keys
from tests.gateway import world
from tests.gateway.backend import Backend
from tests.gateway.credentials import Stage, staged
from tests.gateway.issuer import Issuer

ODD: list[dict[str, Any]] = [
    {"kty": "EC", "crv": "secp999k1", "x": "AAAA", "y": "AAAA"},
    {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
    {"kty": "OKP", "crv": "X25519", "x": "AAAA"},
    {"kty": "RSA"},
    {"kty": "RSA", "n": "!!", "e": "AQAB"},
    {"kty": "RSA", "n": 5, "e": "AQAB", "kid": ["odd"]},
]
"""None of them can be read."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, redis_url: str, backend: Backend, signer: world.Signer) -> Stage:
    """One gateway; every test has issuers of its own."""
    with staged(tmp_path_factory.mktemp("keys"), redis_url, backend, signer) as one:
        one.offer("keys")
        yield one


def called(stage: Stage, name: str, signer: world.Signer, **record: Any) -> int:
    """The status of a call with a token of a new issuer `name`."""
    manager = f"{world.ORGANISATION}:{name}"
    stage.publish(
        ("key_manager", manager, world.key_manager(signer, name=name, issuer=f"https://{name}", **record)),
        ("key", f"{manager}:client-1", schema.Key("client-1", manager, "app-1")),
    )
    return stage.gateway.call("/keys/1.0/x", token=signer.token(iss=f"https://{name}")).status


@pytest.fixture(scope="module")
def stranger() -> world.Signer:
    """An issuer's key."""
    return world.Signer("n1", jwk.RSAKey.generate_key(2048, {"kid": "n1"}))


def test_keys_that_cannot_be_read_do_not_spoil_the_others(stage: Stage, stranger: world.Signer) -> None:
    keys = json.dumps({"keys": [*ODD, stranger.key.as_dict(private=False)]})
    assert called(stage, "odd", stranger, jwks=keys) == 200


def test_nor_where_they_are_fetched(stage: Stage, stranger: world.Signer) -> None:
    elsewhere = Issuer()
    try:
        elsewhere.keys = {"keys": [*ODD, stranger.key.as_dict(private=False)]}
        assert called(stage, "odd-afar", stranger, jwks="", jwks_url=f"{elsewhere.url}/keys") == 200
    finally:
        elsewhere.stop()


def test_the_last_of_hundreds_of_keys_counts(stage: Stage, stranger: world.Signer) -> None:
    other = jwk.ECKey.generate_key("P-256").as_dict(private=False)
    many = [other | {"kid": f"m{number}"} for number in range(400)]
    keys = json.dumps({"keys": [*many, stranger.key.as_dict(private=False)]})
    assert called(stage, "many", stranger, jwks=keys) == 200


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_a_set_of_which_nothing_can_be_read_is_refused(odd: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="jwks is not a set of RFC 7517 keys"):
        read_keys(json.dumps({"keys": [odd]}).encode())
