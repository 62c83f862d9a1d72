"""Whether a token of a key manager elsewhere may be exchanged for one of ours (RFC 8693), and whom it stands for."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from apim.keymanager.assertions import BadAssertion
from apim.keymanager.issue import issuer
from apim.keymanager.models import KeyManager, OAuthClient
from apim.keymanager.queries import may_use
from apim.keymanager.verification import ManagerVerifier
from gateway.tokens.jwt import Rejected, Token, check_signature, expiry, seconds, words
from gateway.tokens.verifier import TOKEN_TYPES

OLDEST = 3600.0
"""Seconds after it was issued in which a token may be exchanged, as in the original."""

EXCHANGING = ("EXCHANGED", "BOTH")


@dataclass(frozen=True)
class Exchanged:
    """Who vouches for the token's subject, and its claims under our names. The subject is a stranger here."""

    issuer: str
    key_manager: str
    claims: dict[str, Any] = field(default_factory=dict)
    local_users: bool = False


def exchanged(client: OAuthClient, token: str) -> Exchanged | None:
    """What `token` says, when a key manager of the client's organisation issued it; None when none has its issuer.

    Trusted are key managers that are switched on, whose tokens are to be exchanged, and that the client's owner may use.
    The token must name the key manager's alias, or our token endpoint when it has none, as audience. Raises BadAssertion.
    """
    try:
        parsed = Token(token.encode("ascii", "replace"))
    except Rejected as error:
        raise BadAssertion("It is not a signed JWT.") from error
    named = parsed.claims.get("iss")
    if not isinstance(named, str) or "\0" in named:
        return None
    rows = KeyManager.objects.filter(
        organisation=client.organisation, issuer=named, enabled=True, token_type__in=EXCHANGING
    ).select_related("organisation")
    known = [row for row in rows if not row.resident and (client.user is None or may_use(client.user, row))]
    if not known:
        return None
    reason = BadAssertion("It is not one of its issuer's tokens.")
    for manager in known:
        try:
            return _checked(ManagerVerifier(manager), parsed, token)
        except Rejected as error:
            reason = BadAssertion(f"{manager.label}: {error}.")
    raise reason


def _checked(verifier: ManagerVerifier, parsed: Token, token: str) -> Exchanged:
    manager, now = verifier.manager, time.time()
    if parsed.type not in TOKEN_TYPES or not verifier.takes(token.encode(), parsed):
        raise Rejected("it is not an access token of this key manager")
    check_signature(parsed, verifier)
    expiry(parsed.claims, verifier.record.leeway_seconds, now)
    if "iat" in parsed.claims and seconds(parsed.claims, "iat") < now - OLDEST:
        raise Rejected(f"it was issued more than {OLDEST:g} seconds ago")
    wanted = manager.alias or issuer()
    if wanted not in words(parsed.claims.get("aud")):
        raise Rejected(f"its audience does not hold {wanted}")
    return Exchanged(manager.issuer, manager.name, verifier.mapped(parsed.claims))
