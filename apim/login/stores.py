"""Log-in by an organisation's user store: who is asked for, the answer as an account here."""

from __future__ import annotations

from urllib.parse import urlsplit

import structlog
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.views.decorators.debug import sensitive_variables

from apim.accounts.doors import PeopleUnavailable
from apim.accounts.models import Organisation, User
from apim.accounts.queries import first_organisation
from apim.errors import ApimError
from apim.keymanager.vault import unseal
from apim.login.actions.external import arrive
from apim.login.directory import Access, DirectoryDown, Entry, ask
from apim.login.models import UserStore

log = structlog.get_logger(__name__)
LONGEST = 254
PORTS = {"ldap": 389, "ldaps": 636}
NAMES = ("givenName", "sn")
"""What first and last name are called everywhere."""


@sensitive_variables("password")
def log_in(name: str, password: str, tenant: Organisation | None) -> User | None:
    """The user of the stored name `name` by the user store of the organisation; None when it does not know them so.

    Raises PeopleUnavailable when it cannot be asked.
    """
    organisation, typed = _place(name, tenant)
    if organisation is None or not password or not typed or len(typed) > LONGEST or "\0" in name or _is_local(name):
        return None
    rows = UserStore.objects.select_related("organisation")
    store = rows.filter(organisation=organisation, enabled=True).first()
    if store is None:
        return None
    try:
        entry = ask(access(store), typed, password)
    except DirectoryDown as error:
        log.error("login.directory_down", organisation=organisation.domain, store=store.name, reason=str(error))
        raise PeopleUnavailable(
            "Your organisation's user directory cannot be asked at the moment. Try again later, or tell an administrator."
        ) from error
    return None if entry is None else _admitted(store, entry)


def access(store: UserStore) -> Access:
    """How the directory of `store` is asked."""
    parts = urlsplit(store.address)
    wanted = (store.id_attribute, store.name_attribute, store.email_attribute, store.groups_attribute, *NAMES)
    return Access(
        key=store.pk or 0, host=parts.hostname or "", port=parts.port or PORTS[parts.scheme],
        tls=parts.scheme == "ldaps", start_tls=store.start_tls, authority=store.certificate_authority,
        bind_dn=store.bind_dn, bind_password=unseal(store.sealed_password) if store.sealed_password else "",
        base_dn=store.base_dn, user_filter=store.user_filter,
        attributes=tuple(dict.fromkeys(filter(None, wanted))), timeout=store.timeout,
    )  # fmt: skip


def claims(store: UserStore, entry: Entry) -> dict[str, object]:
    """What the directory says, in the words of identity providers."""
    groups = {one.casefold() for one in entry.attributes.get(store.groups_attribute.lower(), [])}
    email = entry.first(store.email_attribute) if store.email_attribute else ""
    found: dict[str, object] = {
        "sub": _subject(store, entry), "preferred_username": entry.first(store.name_attribute),
        "given_name": entry.first("givenName"), "family_name": entry.first("sn"),
        "email": email if _is_email(email) else "", "email_verified": True,
    }  # fmt: skip
    if store.groups_attribute:
        found[store.groups_attribute] = [one for one in store.role_mapping if one.casefold() in groups]
    return found


def _place(name: str, tenant: Organisation | None) -> tuple[Organisation | None, str]:
    """Whose store is asked, and for what: `ann@acme.com` is ann of acme.com where there is such an organisation."""
    local, at, domain = name.rpartition("@")
    named = Organisation.objects.filter(domain=domain, active=True).first() if at else None
    if named is not None:
        return (named if tenant in (None, named) else None), local
    return tenant or first_organisation(), name


def _is_local(name: str) -> bool:
    """People with a password of ours are nobody else's, and their password is told to no directory."""
    return any(user.has_usable_password() for user in User.objects.filter(username__iexact=name)[:10])


def _admitted(store: UserStore, entry: Entry) -> User | None:
    said = claims(store, entry)
    if not said["sub"]:
        log.warning("login.directory_without_id", store=store.name, dn=entry.dn, attribute=store.id_attribute)
        return None
    for attempt in (1, 2):  # somebody's first two calls may come at once: the second try finds the account
        try:
            return arrive(provider=store, claims=said)
        except ApimError as error:
            if attempt == 2:
                log.info("login.directory_refused", store=store.name, dn=entry.dn, reason=error.description)
    return None


def _subject(store: UserStore, entry: Entry) -> str:
    subject = entry.first(store.id_attribute) if store.id_attribute else entry.dn.casefold()
    return subject if len(subject) <= 255 else ""


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
