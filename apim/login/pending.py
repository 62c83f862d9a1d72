"""Log-ins that are half done: the password was right, and something else is still to be asked. No session has begun."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare

from apim.accounts.backend import TenantBackend
from apim.accounts.doors import begin
from apim.accounts.models import User
from apim.login import rules
from apim.login.second_factor import factor_of

KEY = "apim_login_pending"
SECONDS = 600
"""How long somebody may take for the rest."""


def put(request: HttpRequest, user: User, address: str, *, how: str = "password", proven: bool = False) -> HttpResponse:
    """Remember that `user` has come so far, and ask for what is still missing, or begin the session."""
    entry = {"user": user.pk, "next": address, "how": how, "proven": proven}
    if _step(user, entry) is None:
        return begin(request, user, address, how)
    # A new key: a session that somebody planted must not carry a half-done log-in.
    request.session.cycle_key()
    request.session[KEY] = {**entry, "at": time.time(), "hash": user.get_session_auth_hash()}
    return go_on(request, user)


def who(request: HttpRequest) -> User | None:
    """Whose log-in is half done here; None when nobody's is, it took too long, or the password was changed meanwhile."""
    entry = request.session.get(KEY)
    if not entry or time.time() - entry["at"] > SECONDS:
        return None
    user = TenantBackend().get_user(entry["user"])
    if user is None or not constant_time_compare(entry["hash"], user.get_session_auth_hash()):
        return None
    return user if request.tenant in (None, user.organisation) else None


def note(request: HttpRequest, user: User, **changes: Any) -> None:
    """A step is done; a new password changes what the entry is tied to."""
    request.session[KEY] = {**request.session[KEY], **changes, "hash": user.get_session_auth_hash()}


def go_on(request: HttpRequest, user: User) -> HttpResponse:
    """To the next step, or into the session."""
    entry = request.session[KEY]
    step = _step(user, entry)
    if step is not None:
        return redirect(step)
    del request.session[KEY]
    return begin(request, user, entry["next"], entry["how"])


def _step(user: User, entry: dict[str, Any]) -> str | None:
    """The page that asks for what is missing."""
    if not entry["proven"]:
        if factor_of(user) is not None:
            return "login:challenge"
        if rules.needs_second_factor(user):
            return "login:enrol"
    expired = entry["how"] == "password" and rules.password_expired(user, rules.of(user.organisation))
    return "login:renew" if expired else None
