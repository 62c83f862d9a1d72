"""The log-in rules in force: an organisation's row, or the defaults."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from apim.accounts.models import SUPER_TENANT, Organisation, User
from apim.login.models import LoginRules, PastPassword


def of(organisation: Organisation) -> LoginRules:
    """The rules of `organisation`."""
    return LoginRules.objects.filter(organisation=organisation).first() or LoginRules(organisation=organisation)


def of_name(name: str) -> LoginRules:
    """The rules for whoever has the stored user name `name`, whether anybody has."""
    _, at, domain = name.rpartition("@")
    return LoginRules.objects.filter(organisation__domain=domain if at else SUPER_TENANT).first() or LoginRules()


def needs_second_factor(user: User) -> bool:
    """Whether one of the user's roles must have one. Administrators need no other role than their own to be meant."""
    return not user.role_names.isdisjoint(of(user.organisation).second_factor_roles)


def password_expired(user: User, rules: LoginRules) -> bool:
    """Whether the password is older than the rules allow. People without one (external log-in) never need a new one."""
    if not rules.expires_after or not user.has_usable_password():
        return False
    last = PastPassword.objects.filter(user=user).first()
    return timezone.now() - (last.at if last else user.date_joined) > timedelta(days=rules.expires_after)
