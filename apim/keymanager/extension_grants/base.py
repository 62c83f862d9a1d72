"""What the grants beyond RFC 6749 share: the client proves itself, then the grant says who the person is."""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import Any

from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc6749.grant_types.base import GrantTypeBase

from apim.accounts.models import Organisation, User
from apim.keymanager.client_auth import field
from apim.keymanager.grant_models import TrustedIssuer
from apim.keymanager.issue import grounds

SUBJECT_LIMIT = 254


class ExtensionGrant(GrantTypeBase):
    """A token endpoint grant. A subclass finds the person and may narrow the scopes."""

    def create_token_response(self, request: Request, token_handler: Any) -> tuple[dict[str, str], str, int]:
        """The token, or the error as RFC 6749 5.2 has it."""
        headers = self._get_default_headers()
        try:
            self.validate_client_authentication(request)
            self.validate_grant_type(request)
            self.find_person(request)
            self.validate_scopes(request)
            token = token_handler.create_token(request, refresh_token=self.refresh_token)
            self.finish(token, request)
            self.request_validator.save_token(token, request)
        except errors.OAuth2Error as error:
            headers.update(error.headers)
            return headers, error.json, error.status_code
        return headers, json.dumps(token), 200

    @abstractmethod
    def find_person(self, request: Request) -> None:
        """Set `request.user`, or a stranger's name in the grounds. Raises OAuth2Error."""

    def finish(self, token: dict[str, Any], request: Request) -> None:
        """Add what the answer of this grant needs besides."""


def required(request: Request, name: str) -> str:
    """A form field. Raises InvalidRequestError when it is missing."""
    value = field(request, name)
    if not value:
        raise errors.InvalidRequestError(description=f"The field {name} is missing.", request=request)
    return value


def refused(request: Request, why: str) -> errors.OAuth2Error:
    """The error of an assertion or code that does not count."""
    return errors.InvalidGrantError(description=why, request=request)


def trusted_issuers(organisation: Organisation, kind: str, issuer: object) -> list[TrustedIssuer]:
    """Whom the organisation believes under this name."""
    if not isinstance(issuer, str) or "\x00" in issuer:
        return []
    return list(TrustedIssuer.objects.filter(organisation=organisation, kind=kind, issuer=issuer, enabled=True))


def take_subject(request: Request, trusted: TrustedIssuer | None, subject: object) -> None:
    """The person that an issuer names: a user here, or a stranger if that issuer may bring some. Raises InvalidGrantError.

    A stranger gets no refresh token, and the token says who vouched for the name, so that it never passes for a user's.
    """
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LIMIT or "\x00" in subject:
        raise refused(request, "The assertion names no subject.")
    if trusted is not None and not trusted.local_users:
        basis = grounds(request)
        basis.stranger = subject
        basis.claims["idp"] = trusted.issuer
        return
    user = User.objects.select_related("organisation").filter(username=subject, is_active=True).first()
    if user is None or user.organisation_id != request.client.organisation_id:
        raise refused(request, "The assertion's subject is no active user here.")
    request.user = user
