"""The JWT bearer grant (RFC 7523 2.1): a trusted issuer says in a signed JWT for whom the client acts."""

from __future__ import annotations

from oauthlib.common import Request

from apim.keymanager import assertions
from apim.keymanager.assertions import BadAssertion
from apim.keymanager.extension_grants.base import ExtensionGrant, refused, required, take_subject, trusted_issuers
from apim.keymanager.grant_models import TrustedIssuer
from apim.keymanager.issue import issuer


class JwtBearerGrant(ExtensionGrant):
    """`assertion` is signed by an issuer that the client's organisation trusts, for this server, and used once."""

    def find_person(self, request: Request) -> None:
        """By the claim `sub`."""
        token = required(request, "assertion")
        try:
            trusted, claims = believed(token, request)
            assertions.accept_once(f"jwt:{trusted.pk}", claims.get("jti"), claims["exp"])
        except BadAssertion as error:
            raise refused(request, f"The assertion does not count. {error}") from error
        take_subject(request, trusted, claims.get("sub"))


def believed(token: str, request: Request) -> tuple[TrustedIssuer, dict]:
    """Who signed `token`, and its claims. Raises BadAssertion."""
    named = assertions.unverified(token).get("iss")
    for trusted in trusted_issuers(request.client.organisation, TrustedIssuer.Kind.JWT, named):
        audiences = [name for name in (issuer(), trusted.audience) if name]
        return trusted, assertions.read(token, trusted.jwks, issuer=trusted.issuer, audiences=audiences)
    raise BadAssertion("Its issuer is not trusted here.")
