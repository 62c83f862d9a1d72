"""The protocol library, set up with our tokens and the grants that it lacks."""

from __future__ import annotations

from typing import Any

from oauthlib.oauth2.rfc6749.tokens import random_token_generator
from oauthlib.openid import Server as OpenIdServer

from apim.keymanager.extension_grants.device import DeviceGrant
from apim.keymanager.extension_grants.exchange import ExchangeGrant
from apim.keymanager.extension_grants.jwt_bearer import JwtBearerGrant
from apim.keymanager.extension_grants.saml_bearer import SamlBearerGrant
from apim.keymanager.grants import DEVICE, EXCHANGE, JWT_BEARER, SAML_BEARER
from apim.keymanager.issue import for_request, lifetime_of

OWN = {
    DEVICE: DeviceGrant,
    JWT_BEARER: JwtBearerGrant,
    SAML_BEARER: SamlBearerGrant,
    EXCHANGE: ExchangeGrant,
}
LIBRARY = ("authorization_code", "client_credentials", "password", "refresh_token")
RESPONSES = ("code", "token", "id_token", "id_token token")


class Server(OpenIdServer):
    """oauthlib's server with access tokens whose form and lifetime are the client's, and random refresh tokens."""

    def __init__(self, request_validator: Any, **settings: Any) -> None:
        settings |= {
            "token_expires_in": lifetime_of,
            "token_generator": for_request,
            "refresh_token_generator": random_token_generator,
        }
        super().__init__(request_validator, **settings)
        _keep_only(self.grant_types, LIBRARY)
        _keep_only(self.response_types, RESPONSES)
        for name, grant in OWN.items():
            self.grant_types[name] = grant(request_validator)


def _keep_only(handlers: dict[str, Any], names: tuple[str, ...]) -> None:
    """The library offers more (hybrid answers) than the platform wants to answer."""
    for name in set(handlers) - set(names):
        del handlers[name]
