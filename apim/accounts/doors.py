"""What is asked of people beyond a right password; decided by the floor above, which registers its rules here."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth import login as start_session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apim.accounts import audit
from apim.accounts.models import Organisation, User
from apim.errors import Unauthenticated

BACKEND = "apim.accounts.backend.TenantBackend"


@dataclass(frozen=True)
class Limits:
    """What guessing costs: failures of a name from one address, of a name from anywhere, and seconds they are remembered."""

    pair: int = 5
    name: int = 100
    window: int = 300


class PasswordNotEnough(Unauthenticated):
    """The password is right, and yet this door may not be opened with it alone; the text says what to do."""


class PeopleUnavailable(PasswordNotEnough):
    """The organisation's directory of people cannot be asked: nobody knows whether the password is right."""

    status, code, message = 503, 900503, "Service Unavailable"


class Rules:
    """Nothing more is asked."""

    def limits(self, name: str) -> Limits:
        """For the stored user name `name`, whether there is such a user or not."""
        return Limits()

    def elsewhere(self, name: str, password: str, tenant: Organisation | None) -> User | None:
        """The user of the stored name `name` whom a directory of the organisation knows by this password, None for nobody.

        Raises PeopleUnavailable when it cannot be asked.
        """
        return None

    def refusal(self, user: User) -> str:
        """Why `user` may not come in by name and password alone (Basic, password grant); empty when they may."""
        return ""

    def enter(self, request: HttpRequest, user: User, address: str) -> HttpResponse:
        """The password on the log-in page was right: begin the session and go to `address`, or ask for more."""
        return begin(request, user, address)

    def other_ways(self, request: HttpRequest, wanted: str) -> list[tuple[str, str]]:
        """Labels and addresses of other ways to log in to this organisation, then on to `wanted`."""
        return []


class _Registered:
    rules: Rules = Rules()


def register(rules: Rules) -> None:
    """Let `rules` decide from now on (called in `AppConfig.ready`)."""
    _Registered.rules = rules


def rules() -> Rules:
    """The rules in force."""
    return _Registered.rules


def begin(request: HttpRequest, user: User, address: str, how: str = "password") -> HttpResponse:
    """Start a session with a new key, note it in the audit trail, and go on."""
    start_session(request, user, backend=BACKEND)
    audit.record(user, "user.login", user, after={"by": how, "address": request.META.get("REMOTE_ADDR", "")})
    return redirect(address)
