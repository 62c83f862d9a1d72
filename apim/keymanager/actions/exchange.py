"""A token of a key manager elsewhere exchanged for one of ours, for trying out; programs use the token endpoint (RFC 8693)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import FieldError, Invalid
from apim.keymanager import issue
from apim.keymanager.actions.tokens import issue_test_token
from apim.keymanager.assertions import BadAssertion
from apim.keymanager.exchange_trust import exchanged
from apim.keymanager.models import OAuthClient

LONGEST_SUBJECT = 254


def exchange_test_token(
    *, by: User, client: OAuthClient, subject_token: str, scopes: Sequence[str] = (), lifetime: int | None = None
) -> dict[str, Any]:
    """An access token of `client` in the name of the subject of `subject_token`. Raises Invalid saying why it does not count."""
    try:
        found = exchanged(client, subject_token.strip())
    except BadAssertion as error:
        raise Invalid("The token cannot be exchanged.", [FieldError("subjectToken", str(error))]) from error
    subject = found.claims.get("sub") if found is not None else None
    if found is None or not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or "\0" in subject:
        reason = "names no subject" if found is not None else "is of no key manager whose tokens are exchanged here"
        raise Invalid("The token cannot be exchanged.", [FieldError("subjectToken", reason)])
    # Permission, lifetime and scopes are those of a test token; only whom it stands for is another.
    plain = issue_test_token(by=by, client=client, scopes=scopes, lifetime=lifetime)
    token, claims = issue.access_token(
        client,
        scopes=plain["scope"].split(),
        lifetime=plain["expires_in"],
        stranger=subject,
        further={"idp": found.issuer},
    )
    audit.record(by, "oauth_client.exchange", client, after={"jti": claims["jti"], "idp": found.issuer})
    return {**plain, "access_token": token}
