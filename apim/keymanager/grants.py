"""The grants a client may be given, and the checks of what it is registered with."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from apim.errors import FieldError

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SAML_BEARER = "urn:ietf:params:oauth:grant-type:saml2-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"

GRANTS = (
    "client_credentials",
    "refresh_token",
    "authorization_code",
    "password",
    "implicit",
    DEVICE,
    JWT_BEARER,
    SAML_BEARER,
    EXCHANGE,
)
"""Grants that the server knows, by their names in the standards."""

ON_BY_DEFAULT = tuple(grant for grant in GRANTS if grant != "implicit")
"""Grants an organisation has until its administrator says otherwise."""

FOR_PEOPLE = frozenset(GRANTS) - {"client_credentials", "refresh_token"}
"""Grants that give tokens in a person's name."""

MANAGEMENT_GRANTS = ("client_credentials", "refresh_token", "authorization_code", "password", DEVICE)
"""Grants of clients for the platform's own REST APIs: none by which another party says who somebody is."""

LONGEST_LIFETIME = 31_536_000
"""Most seconds that a client's access tokens may be valid: a year."""

KEY_TYPES = ("PRODUCTION", "SANDBOX")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def redirect_uris(text: str) -> list[str]:
    """The call-back addresses in `text`, which may be divided by blanks or commas."""
    return text.replace(",", " ").split()


def problems(
    grant_types: Iterable[str], callback_url: str, token_lifetime: int | None, *, management: bool = False
) -> list[FieldError]:
    """Everything wrong with a client's registration. `management`: it is for the platform's own REST APIs."""
    grants = list(grant_types)
    return [
        *_grant_problems(grants, MANAGEMENT_GRANTS if management else GRANTS),
        *_callback_problems(grants, redirect_uris(callback_url)),
        *_lifetime_problems(token_lifetime),
    ]


def _grant_problems(grants: list[str], known: tuple[str, ...]) -> list[FieldError]:
    wrong = [
        FieldError("grantTypes", f"{grant!r} is not one of: {', '.join(known)}")
        for grant in grants
        if grant not in known
    ]
    return wrong if grants else [FieldError("grantTypes", f"choose at least one of: {', '.join(known)}")]


def _callback_problems(grants: list[str], uris: list[str]) -> list[FieldError]:
    if {"authorization_code", "implicit"} & set(grants) and not uris:
        return [FieldError("callbackUrl", "the authorization code and implicit grants need an address to return to")]
    return [FieldError("callbackUrl", f"{uri!r} {why}") for uri in uris if (why := uri_problem(uri))]


def uri_problem(uri: str) -> str:
    """What is wrong with an address that browsers are to be sent to; empty when it will do."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "is not an address"
    if "*" in uri or "\\" in uri or parts.fragment or parts.username is not None or not host:
        return "must be an absolute address without wildcard, fragment or user name"
    if parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK):
        return ""
    return "must begin with https:// (http:// only for localhost)"


def same_address(uri: str, registered: str) -> bool:
    """Whether browsers may be sent to `uri`: it is registered, letter for letter.

    On a loopback interface the port may differ, as native applications get any free one (RFC 8252 7.3).
    """
    if uri == registered:
        return True
    try:
        here, there = urlsplit(uri), urlsplit(registered)
        if there.scheme != "http" or there.hostname not in LOOPBACK or here.hostname != there.hostname:
            return False
        _ = here.port
    except ValueError:
        return False
    if here.username is not None or here.password is not None or "\\" in uri:
        return False
    return (here.scheme, here.path, here.query, here.fragment) == (
        there.scheme,
        there.path,
        there.query,
        there.fragment,
    )


def _lifetime_problems(seconds: int | None) -> list[FieldError]:
    if seconds is None or 0 < seconds <= LONGEST_LIFETIME:
        return []
    return [FieldError("validityPeriod", f"{seconds} is not between 1 and {LONGEST_LIFETIME} seconds")]
