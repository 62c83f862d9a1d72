"""Opaque tokens: what their issuer says about them (RFC 7662), remembered for a while."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from gateway.auth import remote
from gateway.auth.issuers import Issuer
from gateway.principal import Principal
from gateway.tokens.jwt import Rejected, expiry, seconds, words
from wire.client import Client

ANSWER_LIMIT = 64 * 1024


async def ask(client: Client, issuer: Issuer, token: bytes, now: float, most_seconds: float) -> Principal:
    """The principal of an active token, to be remembered `most_seconds` at most. Raises Rejected, Unanswered."""
    record = issuer.record
    pair = f"{quote(record.introspection_user, safe='')}:{quote(record.introspection_password, safe='')}"
    headers = [
        (b"authorization", b"Basic " + base64.b64encode(pair.encode())),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"accept", b"application/json"),
    ]
    body = urlencode({"token": token, "token_type_hint": "access_token"}).encode()
    status, content = await remote.fetch(client, "POST", record.introspection_url, headers, body, ANSWER_LIMIT)
    if status != 200:
        raise remote.Unanswered(f"{record.introspection_url} answered {status}")
    try:
        claims = msgspec.json.decode(content, type=dict[str, Any])
    except ValueError as error:
        raise remote.Unanswered(f"{record.introspection_url} answered with something else than an object") from error
    return principal(issuer, claims, now, most_seconds)


def principal(issuer: Issuer, claims: dict[str, Any], now: float, most_seconds: float) -> Principal:
    """What an introspection answer says. Raises Rejected when the token is not active, or not an access token for us."""
    record = issuer.record
    if claims.get("active") is not True:
        raise Rejected("not active")
    if str(claims.get("token_type", "Bearer")).lower() == "refresh_token":
        raise Rejected("a refresh token")
    if record.issuer and claims.get("iss", record.issuer) != record.issuer:
        raise Rejected(f"issuer {claims.get('iss')!r} is not {record.issuer!r}")
    ends = now + most_seconds
    if claims.get("exp") is not None:
        seconds(claims, "exp")
        ends = min(ends, expiry(claims, record.leeway_seconds, now))
    client_id = str(claims.get(record.client_claim) or claims.get("client_id") or "")
    if not client_id:
        raise Rejected(f"neither {record.client_claim} nor client_id is in the answer")
    return issuer.principal(client_id, claims, ends, words(claims.get(record.scope_claim) or claims.get("scope")))
