"""Keys that key managers elsewhere publish, as the control plane keeps them: fetched seldom, and not for ever."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.conf import settings
from joserfc.jwk import RSAKey

from apim.keymanager import verification
from apim.keymanager.verification import FETCH_EVERY, KEPT, PublishedKeys
from tests.support.fake_idp import FakeIdp


def test_a_key_that_its_issuer_took_back_counts_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.APIM, "key_manager_networks", "127.0.0.0/8")
    clock = [1000.0]
    monkeypatch.setattr(verification, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    shown = {"keys": [_key("old")]}
    server = FakeIdp({("GET", "/jwks"): lambda _: (200, shown)})
    try:
        keys, url = PublishedKeys(), f"{server.url}/jwks"
        assert keys.find(url, "old") is not None
        shown["keys"] = [_key("new")]
        clock[0] += FETCH_EVERY
        assert keys.find(url, "old") is not None and len(server.asked) == 1, (
            "known ones are not asked for at every token"
        )
        clock[0] += KEPT
        assert keys.find(url, "old") is None and keys.find(url, "new") is not None
        assert len(server.asked) == 2
    finally:
        server.stop()


def _key(kid: str) -> dict[str, object]:
    return {**RSAKey.generate_key(2048).as_dict(private=False), "kid": kid, "alg": "RS256", "use": "sig"}
