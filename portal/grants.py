"""OAuth grants that an application may ask for, with words for people."""

from __future__ import annotations

from apim.accounts.models import Organisation
from apim.keymanager.policy import is_on

GRANTS: tuple[tuple[str, str], ...] = (
    ("client_credentials", "Client credentials – the application itself"),
    ("authorization_code", "Authorization code – its users, in a browser"),
    ("refresh_token", "Refresh token – a new token without asking the user again"),
    ("password", "Password – its users tell the application their password"),
    ("implicit", "Implicit – tokens in the browser's address (obsolete)"),
    ("urn:ietf:params:oauth:grant-type:device_code", "Device code – its users, on another device"),
    ("urn:ietf:params:oauth:grant-type:jwt-bearer", "JWT bearer – people named by a trusted issuer"),
    ("urn:ietf:params:oauth:grant-type:saml2-bearer", "SAML 2.0 bearer – people named by a trusted identity provider"),
    (
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "Token exchange – a token of another client or issuer for an own one",
    ),
)
CODE = "authorization_code"


def offered(organisation: Organisation) -> list[tuple[str, str]]:
    """Those that the organisation's administrator has switched on."""
    return [(name, words) for name, words in GRANTS if is_on(name, organisation)]
