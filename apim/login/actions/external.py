"""People who come from an identity provider: found again, linked, or given an account; their roles follow its groups."""

from __future__ import annotations

import re
from typing import Any

from django.db import IntegrityError, transaction

from apim.accounts import audit
from apim.accounts.actions.roles import set_roles
from apim.accounts.actions.users import admit_external
from apim.accounts.models import BuiltinRole, User
from apim.accounts.names import full_name
from apim.errors import Forbidden
from apim.login.models import IdentityProvider, UserStore
from apim.login.provider_models import Linking

MOST_GROUPS = 1000


@transaction.atomic
def arrive(*, provider: IdentityProvider | UserStore, claims: dict[str, Any]) -> User:
    """The user of the provider's organisation whom the checked `claims` mean. Raises Forbidden when nobody may come in."""
    identity = provider.identities.select_related("user__organisation").filter(subject=claims["sub"]).first()
    user = identity.user if identity else (_linked(provider, claims) or _created(provider, claims))
    if user.organisation_id != provider.organisation_id:
        raise Forbidden("The account belongs to another organisation.")
    if identity is None:
        try:
            with transaction.atomic():
                provider.identities.create(subject=claims["sub"], user=user)
        except IntegrityError as error:
            raise Forbidden("Somebody is logging in with this account at this moment; try again.") from error
    _map_roles(provider, claims, user)
    return user


def _linked(provider: IdentityProvider | UserStore, claims: dict[str, Any]) -> User | None:
    """The one user with the verified e-mail address, where the organisation links so; never an administrator.

    Addresses of our own users are not verified: somebody may have entered another's. The account's password therefore ends
    with the link, so that whoever prepared it is out.
    """
    email = _email(claims)
    if provider.linking != Linking.VERIFIED_EMAIL or not email:
        return None
    found = list(User.objects.filter(organisation=provider.organisation, email__iexact=email)[:2])
    if len(found) != 1 or found[0].has_role(BuiltinRole.ADMIN):
        return None
    user = User.objects.select_for_update().get(pk=found[0].pk)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    audit.record(user, "user.link_external", user, after={"provider": provider.name, "subject": claims["sub"]})
    return user


def _created(provider: IdentityProvider | UserStore, claims: dict[str, Any]) -> User:
    if not provider.creates_users:
        raise Forbidden("There is no account for you here; ask an administrator.")
    names = {"first_name": _text(claims, "given_name")[:150], "last_name": _text(claims, "family_name")[:150]}
    user = admit_external(
        organisation=provider.organisation, username=_free_name(provider, claims), email=_email(claims),
        roles=provider.default_roles or [BuiltinRole.SUBSCRIBER.value], **names,
    )  # fmt: skip
    audit.record(user, "user.create_external", user, after={"provider": provider.name, "subject": claims["sub"]})
    return user


def _map_roles(provider: IdentityProvider | UserStore, claims: dict[str, Any], user: User) -> None:
    """Roles that the mapping names follow the groups; others stay as they are."""
    if not provider.roles_claim:
        return
    given = claims.get(provider.roles_claim)
    groups = {str(one) for one in (given if isinstance(given, list) else [given])[:MOST_GROUPS]}
    known = set(provider.organisation.roles.values_list("name", flat=True))
    wanted = {role for group, role in provider.role_mapping.items() if group in groups} & known
    roles = (user.role_names - set(provider.role_mapping.values())) | wanted
    # Default roles of the provider stay, though a group may give them as well.
    roles |= set(provider.default_roles) & user.role_names
    if roles != user.role_names:
        set_roles(by=None, user=user, roles=roles)


def _free_name(provider: IdentityProvider | UserStore, claims: dict[str, Any]) -> str:
    wanted = _text(claims, "preferred_username") or _email(claims) or _text(claims, "name") or "user"
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted.partition("@")[0]).lstrip("._-")[:50] or "user"
    plain = plain if len(plain) >= 3 else f"user-{plain}"
    for number in range(1, 1000):
        name = plain if number == 1 else f"{plain}-{number}"
        if not User.objects.filter(username__iexact=full_name(name, provider.organisation)).exists():
            return name
    raise Forbidden(f"There are too many accounts called {plain}; ask an administrator.")


def _email(claims: dict[str, Any]) -> str:
    """The address, when the provider has verified it."""
    return _text(claims, "email") if claims.get("email_verified") is True else ""


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.replace("\x00", "").strip()[:254] if isinstance(value, str) else ""
