"""Identity providers: added, changed and removed by administrators of their organisation."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apim.accounts import audit
from apim.accounts.actions.roles import may_manage
from apim.accounts.models import User
from apim.accounts.permissions import require
from apim.errors import Conflict, FieldError, Invalid
from apim.keymanager import outbound
from apim.keymanager.vault import seal
from apim.login.models import IdentityProvider
from apim.login.provider_models import Kind
from apim.login.saml_metadata import certificates_problem

NAMES = (
    "name", "kind", "enabled", "issuer", "client_id", "scopes", "sso_address", "certificates", "name_attribute",
    "email_attribute", "creates_users", "linking", "roles_claim", "role_mapping", "default_roles", "second_factor",
)  # fmt: skip
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@transaction.atomic
def save_provider(*, by: User, provider: IdentityProvider, secret: str | None = None) -> IdentityProvider:
    """Add or change `provider`; `secret` None keeps the present one.

    Raises Invalid with the fields, Conflict for a name in use or an issuer whose people are here.
    """
    require(by)
    may_manage(by, provider.organisation)
    stored = IdentityProvider.objects.select_for_update().filter(pk=provider.pk).first() if provider.pk else None
    if stored is not None:
        may_manage(by, stored.organisation)
        if stored.organisation_id != provider.organisation_id:
            raise Invalid(fields=[FieldError("organisation", "A provider stays with its organisation.")])
        if (stored.issuer, stored.kind) != (provider.issuer, provider.kind) and stored.identities.exists():
            # A subject means somebody only together with the issuer that gave it.
            raise Conflict(
                "People have logged in by it already.",
                [FieldError("issuer", "People of this issuer have accounts; add another provider instead.")],
            )
    _check(provider)
    if secret is not None:
        provider.sealed_secret = seal(secret) if secret else ""
    try:
        with transaction.atomic():
            provider.save()
    except IntegrityError as error:
        raise Conflict("The name is taken.", [FieldError("name", "Another provider has this name.")]) from error
    before = None if stored is None else _shown(stored)
    audit.record(
        by, f"identity_provider.{'update' if stored else 'create'}", provider, before=before, after=_shown(provider)
    )
    return provider


@transaction.atomic
def delete_provider(*, by: User, provider: IdentityProvider) -> None:
    """Its people log in by it no more; their accounts stay."""
    require(by)
    may_manage(by, provider.organisation)
    audit.record(by, "identity_provider.delete", provider, before=_shown(provider))
    provider.delete()


def _shown(provider: IdentityProvider) -> dict[str, Any]:
    return {name: getattr(provider, name) for name in NAMES}


def _check(provider: IdentityProvider) -> None:
    wrong = []
    try:
        provider.clean_fields(exclude=["organisation"])
    except ValidationError as error:
        wrong = [FieldError(name, text) for name, texts in error.message_dict.items() for text in texts]
    wrong += _wrong_saml(provider) if provider.kind == Kind.SAML2 else _wrong_oidc(provider)
    wrong += _wrong_roles(provider)
    if wrong:
        raise Invalid("The identity provider is not valid.", wrong)


def _wrong_oidc(provider: IdentityProvider) -> list[FieldError]:
    wrong = []
    if not provider.client_id:
        wrong.append(FieldError("client_id", "The client id that the provider gave us."))
    if "openid" not in provider.scopes.split():
        wrong.append(FieldError("scopes", "Names separated by spaces, `openid` among them."))
    return [*wrong, *_wrong_issuer(provider.issuer)]


def _wrong_saml(provider: IdentityProvider) -> list[FieldError]:
    wrong = []
    if not provider.issuer or provider.issuer != "".join(provider.issuer.split()):
        wrong.append(FieldError("issuer", "The entity id of the provider, an address or name without spaces."))
    try:
        parts = urlsplit(provider.sso_address)
        usable = bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        )
    except ValueError:
        usable = False
    if not usable or parts.fragment or provider.sso_address != "".join(provider.sso_address.split()):
        wrong.append(FieldError("sso_address", "An address that begins with https:// and has no fragment."))
    problem = certificates_problem(provider.certificates)
    return [*wrong, FieldError("certificates", problem)] if problem else wrong


def _wrong_issuer(issuer: str) -> list[FieldError]:
    try:
        outbound.checked(issuer)
    except outbound.Unreachable as error:
        return [FieldError("issuer", str(error))]
    parts = urlsplit(issuer)
    if parts.query or (parts.scheme != "https" and parts.hostname not in LOOPBACK):
        return [FieldError("issuer", "An address that begins with https:// and has no query.")]
    return []


def _wrong_roles(provider: IdentityProvider) -> list[FieldError]:
    mapping, defaults = provider.role_mapping, provider.default_roles
    if not isinstance(mapping, dict) or not all(isinstance(one, str) for one in mapping.values()):
        return [FieldError("role_mapping", 'An object of groups and roles, e.g. {"api-team": "Internal/creator"}.')]
    if not isinstance(defaults, list) or not all(isinstance(one, str) for one in defaults):
        return [FieldError("default_roles", 'A list of roles, e.g. ["Internal/subscriber"].')]
    known = set(provider.organisation.roles.values_list("name", flat=True))
    named = {"role_mapping": set(mapping.values()), "default_roles": set(defaults)}
    return [
        FieldError(field, f"There is no role {', '.join(sorted(names - known))}.")
        for field, names in named.items()
        if names - known
    ]
