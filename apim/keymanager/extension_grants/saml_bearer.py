"""The SAML 2.0 bearer grant (RFC 7522): a trusted identity provider's signed assertion names the person."""

from __future__ import annotations

from oauthlib.common import Request

from apim.keymanager import assertions, saml
from apim.keymanager.assertions import BadAssertion
from apim.keymanager.extension_grants.base import ExtensionGrant, refused, required, take_subject, trusted_issuers
from apim.keymanager.grant_models import TrustedIssuer
from apim.keymanager.issue import issuer


class SamlBearerGrant(ExtensionGrant):
    """`assertion` is base64url of an assertion that is signed as a whole, made for this server, and used once."""

    def find_person(self, request: Request) -> None:
        """By the NameID of the subject."""
        text = required(request, "assertion")
        try:
            document = saml.parse(text)
            trusted = self._signer(document, request)
            audiences = [name for name in (issuer(), trusted.audience) if name]
            found = saml.check(document, trusted.certificate, trusted.issuer, audiences, issuer())
            assertions.accept_once(f"saml:{trusted.pk}", found.identifier, found.expires)
        except BadAssertion as error:
            raise refused(request, f"The assertion does not count. {error}") from error
        take_subject(request, trusted, found.subject)

    @staticmethod
    def _signer(document: saml.Document, request: Request) -> TrustedIssuer:
        known = trusted_issuers(request.client.organisation, TrustedIssuer.Kind.SAML, document.claimed_issuer)
        if not known:
            raise BadAssertion("Its issuer is not trusted here.")
        return known[0]
