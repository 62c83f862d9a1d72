"""Lets the floors above fill a new organisation (policies, key manager, environment) without `accounts` knowing them."""

from __future__ import annotations

from collections.abc import Callable

from apim.accounts.models import Organisation, User

Seeder = Callable[[Organisation], None]
_seeders: list[Seeder] = []


def seeds_organisation(seeder: Seeder) -> Seeder:
    """Register `seeder` (idempotent, registered in `AppConfig.ready`) to run inside the transaction that creates a tenant."""
    if seeder not in _seeders:
        _seeders.append(seeder)
    return seeder


_holders: list[Callable[[User], bool]] = []


def holds_sign_ups(holder: Callable[[User], bool]) -> None:
    """Register `holder(user)` (in `AppConfig.ready`): whether a new account waits until somebody approves it."""
    if holder not in _holders:
        _holders.append(holder)


def is_held(user: User) -> bool:
    """Ask every holder about the account that was just made; runs in the transaction of the sign-up."""
    return any(holder(user) for holder in _holders)


_settlers: list[Callable[[User | None, User], None]] = []


def on_user_settled(listener: Callable[[User | None, User], None]) -> None:
    """Register `listener(by, user)` (in `AppConfig.ready`): an administrator lets `user` in, keeps them out or deletes them."""
    if listener not in _settlers:
        _settlers.append(listener)


def user_settled(by: User | None, user: User) -> None:
    """Tell every listener, in the transaction of the change and before `user` goes."""
    for listener in _settlers:
        listener(by, user)


_role_givers: list[Callable[[Organisation], list[str]]] = []


def gives_signup_roles(giver: Callable[[Organisation], list[str]]) -> None:
    """Register `giver(organisation)` (in `AppConfig.ready`): roles of people who sign up; empty for the usual one."""
    if giver not in _role_givers:
        _role_givers.append(giver)


def signup_roles(organisation: Organisation) -> list[str]:
    """The roles that the givers name, empty when none does."""
    return list(dict.fromkeys(role for giver in _role_givers for role in giver(organisation)))


_switch_listeners: list[Seeder] = []


def on_switch(listener: Seeder) -> Seeder:
    """Register `listener(organisation)` (in `AppConfig.ready`); it runs in the transaction that switches a tenant on or off."""
    if listener not in _switch_listeners:
        _switch_listeners.append(listener)
    return listener


def switched(organisation: Organisation) -> None:
    """Tell every listener that `organisation.active` has changed."""
    for listener in _switch_listeners:
        listener(organisation)


def seed(organisation: Organisation) -> None:
    """Run every seeder for `organisation`, in the order of INSTALLED_APPS."""
    for seeder in _seeders:
        seeder(organisation)
