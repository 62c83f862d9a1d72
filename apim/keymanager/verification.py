"""Checks tokens of key managers elsewhere on the control plane, by the very functions that gateways use.

Nothing here is on the way of a call: it serves token exchange and the page that explains a token.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from joserfc.jwk import Key

from apim.keymanager import outbound
from apim.keymanager.connectors.base import basic
from apim.keymanager.manager_records import record
from apim.keymanager.models import KeyManager
from gateway.tokens.jwt import Rejected
from gateway.tokens.keys import KEYS_LIMIT, read_keys
from gateway.tokens.verifier import Verifier

FETCH_EVERY = 10.0
"""Seconds between two fetches from one address, however many tokens name unknown keys."""

KEPT = 300.0
"""Seconds after which keys are fetched again, so that one that its issuer took back does not count for ever."""

MOST_ADDRESSES = 200


class PublishedKeys:
    """What each `jwks_url` gave last in this process. A failed fetch leaves what was there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, dict[str, Key], str]] = {}

    def find(self, url: str, kid: str) -> Key | None:
        """The key `kid` (empty: the only one) of an address; fetched when it is not known, at most every FETCH_EVERY, or old."""
        asked, keys, _ = self._known.get(url, (-KEPT, {}, ""))
        age = time.monotonic() - asked
        if age >= KEPT or (kid not in keys and age >= FETCH_EVERY):
            keys = self._fetch(url, keys)
        return keys.get(kid)

    def trouble(self, url: str) -> str:
        """Why the last fetch failed; empty when it did not."""
        return self._known.get(url, (0.0, {}, ""))[2]

    def _fetch(self, url: str, before: dict[str, Key]) -> dict[str, Key]:
        keys, trouble = before, ""
        try:
            answer = outbound.call("GET", url)
            if answer.status != 200 or len(answer.body) > KEYS_LIMIT:
                raise outbound.Unreachable(f"{answer.address} answered {answer.status}, not with keys.")
            found = read_keys(answer.body)
            keys = {key.kid: key for key in found if key.kid} | ({"": found[0]} if len(found) == 1 else {})
        except (outbound.Unreachable, ValueError) as error:
            trouble = str(error)
        with self._lock:
            if len(self._known) >= MOST_ADDRESSES and url not in self._known:
                del self._known[next(iter(self._known))]
            self._known[url] = time.monotonic(), keys, trouble
        return keys


published = PublishedKeys()


class ManagerVerifier(Verifier):
    """A key manager as gateways check its tokens, with keys fetched by the control plane. Raises ValueError as its base does."""

    def __init__(self, manager: KeyManager) -> None:
        super().__init__(record(manager))
        self.manager = manager

    def fetched(self, kid: str) -> Key | None:
        """The key `kid` as the issuer publishes it."""
        url = self.record.jwks_url
        return published.find(url, kid) if url else None

    @property
    def trouble(self) -> str:
        """Why its keys could not be fetched; empty when they could."""
        return published.trouble(self.record.jwks_url)


def introspect(verifier: ManagerVerifier, token: str) -> dict[str, Any]:
    """What the key manager says of a token (RFC 7662). Raises Rejected when it does not answer, or says it is not active."""
    rules = verifier.record
    headers = {"authorization": basic(rules.introspection_user, rules.introspection_password)}
    try:
        form = {"token": token, "token_type_hint": "access_token"}
        answer = outbound.call("POST", rules.introspection_url, headers=headers, form=form)
        if answer.status != 200:
            raise Rejected(f"{answer.address} answered {answer.status}")
        claims = answer.json()
    except outbound.Unreachable as error:
        raise Rejected(str(error)) from error
    if claims.get("active") is not True:
        raise Rejected("not active")
    return claims
