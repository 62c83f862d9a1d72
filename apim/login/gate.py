"""Decides about log-ins: limits of guessing, doors that need more than a password, and the steps after it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from apim.accounts.doors import Limits, Rules
from apim.accounts.models import Organisation, User
from apim.login import pending, rules, stores
from apim.login.buttons import buttons
from apim.login.second_factor import factor_of


class Gate(Rules):
    """By the rules of the user's organisation."""

    def limits(self, name: str) -> Limits:
        """What guessing costs there."""
        own = rules.of_name(name)
        return Limits(own.attempts, own.attempts_anywhere, own.lock_minutes * 60)

    def elsewhere(self, name: str, password: str, tenant: Organisation | None) -> User | None:
        """By the organisation's user store."""
        return stores.log_in(name, password, tenant)

    def refusal(self, user: User) -> str:
        """People with a second factor, or who must have one, and those whose password has expired."""
        own = rules.of(user.organisation)
        required = bool(own.second_factor_roles) and not user.role_names.isdisjoint(own.second_factor_roles)
        if not own.passwords_alone and (required or factor_of(user) is not None):
            return "This user logs in with a second factor: use a token from the authorization code or device grant."
        if rules.password_expired(user, own):
            return "The password has expired: log in on the log-in page and choose a new one."
        return ""

    def enter(self, request: HttpRequest, user: User, address: str) -> HttpResponse:
        """Whatever is still to be asked, then the session."""
        return pending.put(request, user, address)

    def other_ways(self, request: HttpRequest, wanted: str) -> list[tuple[str, str]]:
        """The organisation's identity providers."""
        return buttons(request, wanted)
