"""The protocol library, set up with our tokens."""

from __future__ import annotations

from typing import Any

from oauthlib.oauth2.rfc6749.tokens import random_token_generator
from oauthlib.openid import Server as OpenIdServer

from apim.keymanager.grants import GRANTS
from apim.keymanager.issue import for_request, lifetime_of


class Server(OpenIdServer):
    """oauthlib's server with JWT access tokens whose lifetime is the client's, and random refresh tokens."""

    def __init__(self, request_validator: Any, **settings: Any) -> None:
        settings |= {
            "token_expires_in": lifetime_of,
            "token_generator": for_request,
            "refresh_token_generator": random_token_generator,
        }
        super().__init__(request_validator, **settings)
        _keep_only(self.grant_types, GRANTS)
        _keep_only(self.response_types, ("code",))


def _keep_only(handlers: dict[str, Any], names: tuple[str, ...]) -> None:
    """The library offers more (implicit, hybrid, device) than the platform wants to answer."""
    for name in set(handlers) - set(names):
        del handlers[name]
