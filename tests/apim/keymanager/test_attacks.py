"""Forged and confused tokens against our own verification."""

from __future__ import annotations

import base64
import hmac
import json
import time

import pytest
from cryptography.hazmat.primitives import serialization
from joserfc import jwt
from joserfc.jwk import RSAKey

from apim.keymanager import signing
from apim.keymanager.errors import InvalidToken
from apim.keymanager.issue import access_token
from apim.keymanager.verify import verify, verify_signature

pytestmark = pytest.mark.django_db


@pytest.fixture
def genuine(organisation, developer) -> tuple[str, dict]:
    from apim.keymanager.actions.clients import create_client

    client, _ = create_client(by=developer, organisation=organisation, name="x", grant_types=["client_credentials"])
    return access_token(client, scopes=["default"], lifetime=60)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_the_genuine_token_is_valid(genuine):
    token, claims = genuine
    assert verify(token) == claims


def test_alg_none_is_refused(genuine):
    token, claims = genuine
    kid = signing.jwks()["keys"][0]["kid"]
    for name in ("none", "None", "NONE", ""):
        header = part({"alg": name, "typ": "at+jwt", "kid": kid})
        for signature in ("", token.rpartition(".")[2]):
            with pytest.raises(InvalidToken):
                verify(f"{header}.{part(claims)}.{signature}")


def test_an_hmac_with_the_public_key_is_refused(genuine):
    _, claims = genuine
    public = signing.jwks()["keys"][0]
    pem = RSAKey.import_key(public).raw_value.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    # The library refuses to sign with a public key as the secret, so the forgery is made by hand.
    head = f"{part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': public['kid']})}.{part(claims)}"
    for secret in (pem, json.dumps(public).encode()):
        digest = hmac.new(secret, head.encode(), "sha256").digest()
        with pytest.raises(InvalidToken):
            verify(f"{head}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}")


def test_another_key_is_refused_however_it_is_brought(genuine):
    _, claims = genuine
    own = RSAKey.generate_key(2048)
    kid = signing.jwks()["keys"][0]["kid"]
    headers = [
        {"kid": kid},
        {"kid": "../../etc/passwd"},
        {"kid": "' OR 1=1 --"},
        {"kid": "a\x00b"},
        {},
        {"kid": kid, "jwk": own.as_dict(private=False)},
        {"kid": kid, "jku": "https://evil.example/jwks"},
    ]
    for header in headers:
        forged = jwt.encode({"alg": "RS256", "typ": "at+jwt", **header}, claims, own, algorithms=["RS256"])
        with pytest.raises(InvalidToken):
            verify(forged)


@pytest.mark.parametrize(
    "change",
    [
        {"exp": 1},
        {"exp": "later"},
        {"exp": None},
        {"nbf": time.time() + 3600},
        {"iss": "https://evil.example"},
        {"jti": None},
        {"scope": ["apim:admin"]},
    ],
)
def test_our_own_signature_alone_is_not_enough(genuine, change):
    _, claims = genuine
    changed = {name: value for name, value in (claims | change).items() if value is not None}
    with pytest.raises(InvalidToken):
        verify(signing.sign(changed, typ="at+jwt"))


def test_another_type_of_token_is_refused(genuine):
    _, claims = genuine
    for typ in ("JWT", "id+jwt", ""):
        with pytest.raises(InvalidToken):
            verify_signature(signing.sign(claims, typ=typ))


def test_changed_claims_are_refused(genuine):
    token, claims = genuine
    header, _, signature = token.split(".")
    with pytest.raises(InvalidToken):
        verify(f"{header}.{part(claims | {'sub': 'admin'})}.{signature}")


@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c", "a.b.c.d.e", "é.è.ü", "." * 100, "\x00", "x" * 100_000])
def test_noise_is_refused(organisation, text):
    with pytest.raises(InvalidToken):
        verify(text)
