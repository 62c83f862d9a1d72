"""The grants a client may be given, and the checks of what it is registered with."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from apim.errors import FieldError

GRANTS = ("client_credentials", "refresh_token", "authorization_code", "password")
"""Grants that the token endpoint knows, by their names in RFC 6749."""

LONGEST_LIFETIME = 31_536_000
"""Most seconds that a client's access tokens may be valid: a year."""

KEY_TYPES = ("PRODUCTION", "SANDBOX")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def redirect_uris(text: str) -> list[str]:
    """The call-back addresses in `text`, which may be divided by blanks or commas."""
    return text.replace(",", " ").split()


def problems(
    grant_types: Iterable[str], callback_url: str, token_lifetime: int | None, *, password: bool
) -> list[FieldError]:
    """Everything wrong with a client's registration. `password`: whether it may use the password grant."""
    grants = list(grant_types)
    return [
        *_grant_problems(grants, password=password),
        *_callback_problems(grants, redirect_uris(callback_url)),
        *_lifetime_problems(token_lifetime),
    ]


def _grant_problems(grants: list[str], *, password: bool) -> list[FieldError]:
    known = [grant for grant in GRANTS if password or grant != "password"]
    wrong = [
        FieldError("grantTypes", f"{grant!r} is not one of: {', '.join(known)}")
        for grant in grants
        if grant not in known
    ]
    return wrong if grants else [FieldError("grantTypes", f"choose at least one of: {', '.join(known)}")]


def _callback_problems(grants: list[str], uris: list[str]) -> list[FieldError]:
    if "authorization_code" in grants and not uris:
        return [FieldError("callbackUrl", "the authorization code grant needs an address to return to")]
    return [FieldError("callbackUrl", f"{uri!r} {why}") for uri in uris if (why := _uri_problem(uri))]


def _uri_problem(uri: str) -> str:
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return "is not an address"
    if "*" in uri or parts.fragment or parts.username or not host:
        return "must be an absolute address without wildcard, fragment or user name"
    if parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK):
        return ""
    return "must begin with https:// (http:// only for localhost)"


def _lifetime_problems(seconds: int | None) -> list[FieldError]:
    if seconds is None or 0 < seconds <= LONGEST_LIFETIME:
        return []
    return [FieldError("validityPeriod", f"{seconds} is not between 1 and {LONGEST_LIFETIME} seconds")]
