"""How a client proves itself: secret, a JWT signed by its key (RFC 7523), its certificate (RFC 8705), or nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.conf import settings
from oauthlib.common import Request

from apim.keymanager import assertions, certificates, guessing
from apim.keymanager.assertions import BadAssertion
from apim.keymanager.issue import grounds, issuer

if TYPE_CHECKING:
    from apim.keymanager.models import OAuthClient

JWT_BEARER_CLIENT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SECRET = ("client_secret_basic", "client_secret_post")
PRIVATE_KEY, TLS, SELF_SIGNED = "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"
METHODS = (*SECRET, PRIVATE_KEY, TLS, SELF_SIGNED, "none")
"""What a client may register as `token_endpoint_auth_method`."""


def wanted(client: OAuthClient) -> str:
    """How this client has to prove itself: by `secret`, one of the stronger methods, or `none`."""
    if client.auth_method in (PRIVATE_KEY, TLS, SELF_SIGNED):
        return client.auth_method
    return "secret" if client.client_type == client.CLIENT_CONFIDENTIAL else "none"


def field(request: Request, name: str) -> str:
    """A form field of the request; empty when it is not there."""
    return str(dict(request.decoded_body or []).get(name) or "")


def address(request: Request) -> str:
    """Where the request comes from, as far as the socket tells."""
    return str(request.headers.get("REMOTE_ADDR", ""))


def asserts(request: Request) -> bool:
    """Whether the request carries a client assertion."""
    return bool(field(request, "client_assertion") or field(request, "client_assertion_type"))


def by_assertion(client: OAuthClient, request: Request) -> bool:
    """Whether the request's assertion is this client's, for this server, and new."""
    if field(request, "client_assertion_type") != JWT_BEARER_CLIENT:
        return False
    audiences = (
        issuer(),
        settings.APIM.public,
        f"{settings.APIM.public}/oauth2/introspect",
        f"{settings.APIM.public}/oauth2/revoke",
    )
    try:
        claims = assertions.read(
            field(request, "client_assertion"), client.jwks, issuer=client.client_id, audiences=audiences
        )
        if claims.get("sub") != client.client_id:
            return False
        assertions.accept_once(f"client:{client.client_id}", claims.get("jti"), claims["exp"])
    except BadAssertion:
        return False
    return True


def asserted_client_id(request: Request) -> str:
    """The client that the assertion is of, by its own word; empty when it is none."""
    try:
        return str(assertions.unverified(field(request, "client_assertion")).get("sub") or "")
    except BadAssertion:
        return ""


def by_certificate(client: OAuthClient, request: Request) -> bool:
    """Whether the request came with the certificate that the client registered."""
    certificate = certificates.presented(request.headers)
    if certificate is None:
        return False
    if client.auth_method == TLS:
        return bool(client.tls_subject) and certificate.subject == client.tls_subject
    return certificate.thumbprint in _thumbprints(client.jwks)


def bind(client: OAuthClient, request: Request) -> bool:
    """Put the certificate's thumbprint into the tokens of a client that wants them bound; False when it showed none."""
    if not client.bound_tokens:
        return True
    certificate = certificates.presented(request.headers)
    if certificate is None:
        return False
    grounds(request).claims["cnf"] = {"x5t#S256": certificate.thumbprint}
    return True


def blocked(client_id: str, request: Request) -> bool:
    """Whether the secret of this client was guessed wrong too often from there."""
    return guessing.blocked("client", client_id, address(request))


def note_failure(client_id: str, request: Request) -> None:
    """Count a wrong secret."""
    guessing.note_failure("client", client_id, address(request))


def _thumbprints(jwks: str) -> set[str]:
    """Of the certificates in the client's keys (`x5c`)."""
    try:
        keys: list[dict[str, Any]] = json.loads(jwks)["keys"]
        chains = [key["x5c"][0] for key in keys if key.get("x5c")]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return set()
    found = (certificates.der_of(text) for text in chains if isinstance(text, str))
    return {certificates.Certificate(der, "").thumbprint for der in found if der}
