"""Call-back addresses: what is registered, letter for letter, and the one liberty that native applications need."""

from __future__ import annotations

import pytest

from apim.keymanager.grants import same_address, uri_problem

REGISTERED = "https://client.example/back?x=1"
NATIVE = "http://127.0.0.1:8000/back"


@pytest.mark.parametrize(
    "uri",
    [
        "https://client.example/back",
        "https://client.example/back?x=1&y=2",
        "https://client.example/back?x=1#frag",
        "https://client.example/back/?x=1",
        "https://client.example/BACK?x=1",
        "https://CLIENT.example/back?x=1",
        "https://client.example:443/back?x=1",
        "https://client.example:8443/back?x=1",
        "https://client.example/./back?x=1",
        "https://client.example/a/../back?x=1",
        "https://client.example/%62ack?x=1",
        "https://client.example.evil.example/back?x=1",
        "https://client.example@evil.example/back?x=1",
        "https://evil.example\\@client.example/back?x=1",
        "https://evil.example#https://client.example/back?x=1",
        "http://client.example/back?x=1",
        "//client.example/back?x=1",
        " https://client.example/back?x=1",
        "https://client.example/back?x=1\n",
        "javascript:alert(1)//https://client.example/back?x=1",
        "",
    ],
)
def test_nothing_but_the_registered_address(uri):
    assert same_address(REGISTERED, REGISTERED)
    assert not same_address(uri, REGISTERED)


@pytest.mark.parametrize("uri", [NATIVE, "http://127.0.0.1:51004/back", "http://127.0.0.1/back"])
def test_a_native_application_listens_at_any_port(uri):
    assert same_address(uri, NATIVE)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:8000/other",
        "http://127.0.0.1:8000/back?x=1",
        "http://localhost:8000/back",
        "https://127.0.0.1:8000/back",
        "http://127.0.0.1:8000@evil.example/back",
        "http://user@127.0.0.1:8000/back",
        "http://127.0.0.1:99999/back",
        "http://127.0.0.1:x/back",
        "http://127.0.0.1.evil.example:8000/back",
        "http://127.0.0.1:8000\\@evil.example/back",
        "http://[::1/back",
    ],
)
def test_but_nowhere_else(uri):
    assert not same_address(uri, NATIVE)


@pytest.mark.parametrize(
    "uri", ["https://a.example\\b", "https://:x@a.example/", "https://a.example:port/", "ftp://a.example", "/back"]
)
def test_such_addresses_cannot_be_registered(uri):
    assert uri_problem(uri)
