"""User stores: set up, tried and removed by administrators of their organisation."""

from __future__ import annotations

import re
import ssl
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.views.decorators.debug import sensitive_variables
from ldap3.core.exceptions import LDAPExceptionError
from ldap3.operation.search import parse_filter
from ldap3.utils.dn import parse_dn

from apim.accounts import audit
from apim.accounts.actions.roles import may_manage
from apim.accounts.models import User
from apim.accounts.permissions import require
from apim.errors import Conflict, FieldError, Invalid
from apim.keymanager.vault import seal
from apim.login.actions import providers
from apim.login.actions.providers import LOOPBACK
from apim.login.directory import DirectoryDown, ask, filter_for
from apim.login.models import UserStore
from apim.login.stores import PORTS, access, claims

NAMES = (
    "name", "enabled", "address", "start_tls", "certificate_authority", "bind_dn", "base_dn", "user_filter",
    "id_attribute", "name_attribute", "email_attribute", "groups_attribute", "role_mapping", "default_roles",
    "creates_users", "timeout",
)  # fmt: skip
MOST_STEPS = 20
_ATTRIBUTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.;-]*\Z")


@transaction.atomic
def save_store(*, by: User, store: UserStore, password: str | None = None) -> UserStore:
    """Add or change `store`; `password` None keeps the present one. Raises Invalid with the fields, Conflict for a second one.

    Another address asks for the password anew: the present one must not be told to a server it was not given for.
    """
    require(by)
    may_manage(by, store.organisation)
    stored = UserStore.objects.select_for_update().filter(pk=store.pk).first() if store.pk else None
    if stored is not None:
        may_manage(by, stored.organisation)
        if stored.organisation_id != store.organisation_id:
            raise Invalid(fields=[FieldError("organisation", "A user store stays with its organisation.")])
        if stored.sealed_password and password is None and stored.address != store.address:
            raise Invalid(
                fields=[FieldError("address", "Give the password of the bind DN again with another address.")]
            )
    _check(store)
    if password is not None:
        store.sealed_password = seal(password) if password else ""
    if store.bind_dn and not store.sealed_password:
        raise Invalid(fields=[FieldError("bind_dn", "Give its password too; a name without one is nobody to LDAP.")])
    try:
        with transaction.atomic():
            store.save()
    except IntegrityError as error:
        raise Conflict("The organisation has a user store already.") from error
    before = None if stored is None else _shown(stored)
    audit.record(by, f"user_store.{'update' if stored else 'create'}", store, before=before, after=_shown(store))
    return store


@transaction.atomic
def delete_store(*, by: User, store: UserStore) -> None:
    """Its people log in by it no more; their accounts stay."""
    require(by)
    may_manage(by, store.organisation)
    audit.record(by, "user_store.delete", store, before=_shown(store))
    store.delete()


@sensitive_variables("password")
def try_store(*, by: User, store: UserStore, name: str = "", password: str | None = None) -> list[str]:
    """Ask the directory as a log-in would and tell each step; nobody is let in, nothing is kept but the audit row."""
    require(by)
    may_manage(by, store.organisation)
    audit.record(by, "user_store.try", store, after={"name": name[:254]})
    steps: list[str] = []
    try:
        entry = ask(access(store), name[:254], password or None, steps.append)
    except DirectoryDown as error:
        return [*steps[:MOST_STEPS], f"Failed: {error}."]
    if entry is not None:
        said = claims(store, entry)
        groups = entry.attributes.get(store.groups_attribute.lower(), [])[:MOST_STEPS] if store.groups_attribute else []
        roles = sorted({store.role_mapping[one] for one in said.get(store.groups_attribute, [])})
        steps.append(f"Name {said['preferred_username'] or '(none)'}, e-mail {said['email'] or '(none)'}.")
        steps.append(f"Groups: {'; '.join(groups) or 'none'}. Roles by them: {', '.join(roles) or 'none'}.")
    return steps


def _shown(store: UserStore) -> dict[str, Any]:
    return {name: getattr(store, name) for name in NAMES}


def _check(store: UserStore) -> None:
    wrong = []
    try:
        store.clean_fields(exclude=["organisation"])
    except ValidationError as error:
        wrong = [FieldError(name, text) for name, texts in error.message_dict.items() for text in texts]
    wrong += [*_wrong_address(store), *_wrong_names(store), *providers._wrong_roles(store)]  # noqa: SLF001 - one rule for all that map roles
    if wrong:
        raise Invalid("The user store is not valid.", wrong)


def _wrong_address(store: UserStore) -> list[FieldError]:
    try:
        parts = urlsplit(store.address)
        well = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return [FieldError("address", f"{store.address[:200]!r} is not an address of the form ldaps://host:port.")]
    if not well or "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        return [FieldError("address", f"{store.address[:200]!r} is not an address of the form ldaps://host:port.")]
    if parts.scheme == "ldaps" and store.start_tls:
        return [FieldError("start_tls", "ldaps:// is TLS from the first byte; StartTLS is for ldap://.")]
    if parts.scheme == "ldap" and not store.start_tls and parts.hostname not in LOOPBACK:
        return [FieldError("address", "Passwords would travel in the clear: use ldaps:// or StartTLS.")]
    return []


def _wrong_names(store: UserStore) -> list[FieldError]:
    wrong = []
    if "{name}" not in store.user_filter:
        wrong.append(FieldError("user_filter", "{name} must stand where the typed name belongs: (uid={name})."))
    try:
        parse_filter(filter_for(store.user_filter, "x"), None, True, True, None, False)
    except (LDAPExceptionError, IndexError, ValueError) as error:
        wrong.append(FieldError("user_filter", f"Not an LDAP filter such as (uid={{name}}): {str(error)[:200]}."))
    for field in ("base_dn", "bind_dn"):
        try:
            parse_dn(getattr(store, field)) if getattr(store, field) else None
        except (LDAPExceptionError, IndexError, ValueError):
            wrong.append(FieldError(field, "Not a name such as ou=people,dc=acme,dc=com."))
    for field in ("id_attribute", "name_attribute", "email_attribute", "groups_attribute"):
        value = getattr(store, field)
        if value and not _ATTRIBUTE.match(value):
            wrong.append(FieldError(field, f"{value[:60]!r} is not the name of an attribute."))
    return wrong + _wrong_authority(store.certificate_authority)


def _wrong_authority(pem: str) -> list[FieldError]:
    if not pem:
        return []
    try:
        ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError):
        return [FieldError("certificate_authority", "No PEM certificates (-----BEGIN CERTIFICATE-----).")]
    return []
