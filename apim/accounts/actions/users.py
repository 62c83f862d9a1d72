"""People: sign-up, creation by an administrator, changes, password, activation."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from apim.accounts import audit, hooks
from apim.accounts.actions.roles import may_manage, set_roles
from apim.accounts.models import BuiltinRole, Organisation, User
from apim.accounts.names import LOCAL_NAME, full_name, local_name
from apim.accounts.permissions import require
from apim.errors import Conflict, FieldError, Forbidden, Invalid, NotFound


@transaction.atomic
def sign_up(
    *, organisation: Organisation, username: str, email: str, password: str, first_name: str = "", last_name: str = ""
) -> User:
    """A visitor becomes an app developer of `organisation`; `username` has no domain. Not active while it waits for approval.

    Raises Forbidden when the organisation takes no sign-ups, Invalid with the wrong fields, Conflict for a taken name.
    """
    if not (organisation.active and organisation.self_signup):
        raise Forbidden(f"{organisation.display_name} takes no sign-ups; ask its administrator for an account.")
    user = _create(organisation, username, email, password, first_name, last_name)
    return _admit(user, hooks.signup_roles(organisation) or [BuiltinRole.SUBSCRIBER])


@transaction.atomic
def admit_external(
    *,
    organisation: Organisation,
    username: str,
    email: str,
    roles: Iterable[str],
    first_name: str = "",
    last_name: str = "",
) -> User:
    """An account without a password for somebody whom an identity provider vouches for. Not active while it waits for approval.

    Raises Invalid, and Conflict for a taken name.
    """
    user = _create(organisation, username, email, None, first_name, last_name)
    return _admit(user, roles)


def _admit(user: User, roles: Iterable[str]) -> User:
    """Somebody new who came by themselves; not active while they wait for approval."""
    set_roles(by=None, user=user, roles=roles)
    audit.record(user, "user.sign_up", user, after={"username": user.username})
    if hooks.is_held(user):
        user.is_active = False
        user.save(update_fields=["is_active"])
    return user


@transaction.atomic
def create_user(
    *,
    by: User | None,
    organisation: Organisation,
    username: str,
    password: str,
    email: str = "",
    roles: Iterable[str] = (),
    first_name: str = "",
    last_name: str = "",
) -> User:
    """Add a user; `username` has no domain. `by` None is the platform itself. Raises like `sign_up`."""
    if by is not None:
        require(by)
        may_manage(by, organisation)
    user = _create(organisation, username, email, password, first_name, last_name)
    audit.record(by, "user.create", user, after={"username": user.username})
    return set_roles(by=by, user=user, roles=roles)


@transaction.atomic
def update_user(*, by: User, user: User, email: str, first_name: str = "", last_name: str = "") -> User:
    """Change a person's particulars: their own, or anybody's of the organisation for an administrator."""
    if by.pk != user.pk:
        require(by)
        may_manage(by, user.organisation)
    if email:
        _valid("email", lambda: validate_email(email))
    before = {"email": user.email, "first_name": user.first_name, "last_name": user.last_name}
    after = {"email": email, "first_name": first_name, "last_name": last_name}
    for name, value in after.items():
        setattr(user, name, value)
    user.save(update_fields=list(after))
    audit.record(by, "user.update", user, before=before, after=after)
    return user


@transaction.atomic
def change_password(*, by: User, user: User, password: str, current: str) -> None:
    """Change one's own password, knowing the current one. Raises Invalid."""
    if by.pk != user.pk or not user.check_password(current):
        raise Invalid(fields=[FieldError("current", "That is not your current password.")])
    _store_password(by, user, password)


@transaction.atomic
def replace_expired_password(*, by: User, password: str) -> None:
    """A new password for oneself at log-in, after the old one was shown to be known. Raises Invalid, for the old one too."""
    if by.check_password(password):
        raise Invalid(fields=[FieldError("password", "That is the expired password; choose another.")])
    _store_password(by, by, password)


@transaction.atomic
def set_password(*, by: User, user: User, password: str) -> None:
    """Give a user of the organisation a new password, as its administrator. Raises Invalid."""
    require(by)
    may_manage(by, user.organisation)
    _store_password(by, user, password)


@transaction.atomic
def set_active(*, by: User, user: User, active: bool) -> User:
    """Let a user in or keep them out; sessions end with the next request. Raises Conflict for oneself."""
    require(by)
    may_manage(by, user.organisation)
    if by.pk == user.pk and not active:
        raise Conflict("You cannot switch yourself off.")
    before, user.is_active = user.is_active, active
    user.save(update_fields=["is_active"])
    hooks.user_settled(by, user)
    audit.record(by, "user.set_active", user, before={"active": before}, after={"active": active})
    return user


@transaction.atomic
def delete_user(*, by: User, user: User) -> None:
    """Delete a user who owns nothing that must stay. Raises Conflict for oneself, NotFound across organisations."""
    require(by)
    may_manage(by, user.organisation)
    if by.pk == user.pk:
        raise Conflict("You cannot delete yourself.")
    if not User.objects.filter(pk=user.pk).exists():
        raise NotFound
    hooks.user_settled(by, user)
    audit.record(by, "user.delete", user, before={"username": user.username, "roles": sorted(user.role_names)})
    try:
        user.delete()
    except ProtectedError as error:
        raise Conflict(f"{user.username} owns APIs; switch the user off, or give the APIs to somebody else.") from error


def _store_password(by: User, user: User, password: str) -> None:
    _valid("password", lambda: validate_password(password, user))
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record(by, "user.change_password", user)


def _create(
    organisation: Organisation, username: str, email: str, password: str | None, first_name: str, last_name: str
) -> User:
    name = full_name(username, organisation)
    user = User(organisation=organisation, username=name, email=email, first_name=first_name, last_name=last_name)
    _valid("username", lambda: LOCAL_NAME(username))
    _valid("email", lambda: validate_email(email) if email else None)
    if password is not None:
        _valid("password", lambda: validate_password(password, user))
    # Names differ by more than case, so that nobody passes for somebody else.
    if User.objects.filter(username__iexact=name).exists():
        raise _taken(name)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise _taken(name) from error
    return user


def _taken(name: str) -> Conflict:
    return Conflict(
        f"The name {local_name(name)!r} is taken.", [FieldError("username", f"{local_name(name)!r} is taken.")]
    )


def _valid(field: str, check: Callable[[], object]) -> None:
    try:
        check()
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), [FieldError(field, message) for message in error.messages]) from error
