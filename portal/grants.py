"""OAuth grants that an application may ask for, with words for people."""

from __future__ import annotations

GRANTS: tuple[tuple[str, str], ...] = (
    ("client_credentials", "Client credentials – the application itself"),
    ("authorization_code", "Authorization code – its users, in a browser"),
    ("refresh_token", "Refresh token – a new token without asking the user again"),
)
CODE = "authorization_code"
