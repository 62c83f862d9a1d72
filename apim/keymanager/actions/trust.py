"""Writes on token policies, and on the issuers whose assertions an organisation believes."""

from __future__ import annotations

from urllib.parse import urlsplit

from cryptography import x509
from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.accounts.permissions import require, require_same_organisation
from apim.accounts.queries import sees_every_organisation
from apim.errors import FieldError, Invalid
from apim.keymanager import saml
from apim.keymanager.assertions import keys_problem
from apim.keymanager.grants import GRANTS
from apim.keymanager.models import TokenPolicy, TrustedIssuer
from apim.keymanager.policy import MOST_PATTERNS, pattern_problem

MOST_CERTIFICATES = 10


@transaction.atomic
def save_policy(*, by: User, policy: TokenPolicy) -> TokenPolicy:
    """Write what the token service allows. Raises Forbidden unless `by` is an administrator, NotFound, Invalid."""
    _admit(by, policy)
    wrong = [
        FieldError("grants", f"{grant!r} is not one of: {', '.join(GRANTS)}")
        for grant in policy.grants
        if grant not in GRANTS
    ]
    patterns = policy.scope_allow_list
    if not isinstance(patterns, list) or len(patterns) > MOST_PATTERNS:
        wrong.append(FieldError("scope_allow_list", f"must be a list of at most {MOST_PATTERNS} patterns"))
    else:
        wrong += [FieldError("scope_allow_list", f"{one!r} {why}") for one in patterns if (why := pattern_problem(one))]
    if wrong:
        raise Invalid("The token policy is not valid.", wrong)
    stored = TokenPolicy.objects.filter(pk=policy.pk).first()
    policy.save()
    audit.record(by, "token_policy.save", policy, before=stored and _policy(stored), after=_policy(policy))
    return policy


@transaction.atomic
def save_issuer(*, by: User, trusted: TrustedIssuer) -> TrustedIssuer:
    """Believe an issuer's assertions, or write changes. Raises Forbidden, NotFound, Invalid naming the field."""
    _admit(by, trusted)
    wrong = [problem for problem in (_issuer_problem(trusted), _key_problem(trusted)) if problem]
    if wrong:
        raise Invalid("The trusted issuer is not valid.", wrong)
    stored = TrustedIssuer.objects.filter(pk=trusted.pk).first()
    trusted.save()
    audit.record(by, "trusted_issuer.save", trusted, before=stored and _values(stored), after=_values(trusted))
    return trusted


@transaction.atomic
def delete_issuer(*, by: User, trusted: TrustedIssuer) -> None:
    """Believe it no more. Raises Forbidden, NotFound."""
    _admit(by, trusted)
    audit.record(by, "trusted_issuer.delete", trusted, before=_values(trusted))
    trusted.delete()


def _admit(by: User, row: TokenPolicy | TrustedIssuer) -> None:
    require(by)
    if not sees_every_organisation(by):
        require_same_organisation(by, row.organisation)


def _issuer_problem(trusted: TrustedIssuer) -> FieldError | None:
    if trusted.issuer.strip() and trusted.issuer == trusted.issuer.strip() and not urlsplit(trusted.issuer).fragment:
        return None
    return FieldError("issuer", f"{trusted.issuer!r} is not a name without blanks around it")


def _key_problem(trusted: TrustedIssuer) -> FieldError | None:
    if trusted.kind == TrustedIssuer.Kind.JWT:
        problem = keys_problem(trusted.jwks)
        return FieldError("jwks", problem) if problem else None
    found = saml.PEM.findall(trusted.certificate)
    try:
        loaded = [x509.load_pem_x509_certificate(text.encode()) for text in found]
    except ValueError:
        loaded = []
    if not 0 < len(loaded) <= MOST_CERTIFICATES:
        return FieldError("certificate", f"needs one to {MOST_CERTIFICATES} certificates as PEM")
    return None


def _policy(policy: TokenPolicy) -> dict[str, object]:
    return {name: getattr(policy, name) for name in ("grants", "scope_allow_list", "revoke_replaced")}


def _values(trusted: TrustedIssuer) -> dict[str, object]:
    names = ("name", "kind", "issuer", "enabled", "jwks", "certificate", "audience", "local_users")
    return {name: getattr(trusted, name) for name in names}
