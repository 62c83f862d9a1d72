"""What the portal's pages share: who may enter, and how an action's refusal reaches the person."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from apim.accounts.models import Organisation
from apim.accounts.permissions import require_same_organisation
from apim.errors import ApimError, NotFound

View = Callable[..., HttpResponse]


def organisation(request: HttpRequest) -> Organisation:
    """Whose portal this is. Raises NotFound on a platform without organisations."""
    if request.organisation is None:
        raise NotFound("There is no organisation yet.")
    found: Organisation = request.organisation
    return found


def asked_organisation(request: HttpRequest) -> Organisation:
    """The organisation that `?tenant=` names, else whose portal this is. Raises NotFound."""
    domain = word(request, "tenant")
    if not domain:
        return organisation(request)
    found = Organisation.objects.filter(domain=domain, active=True).first()
    if found is None:
        raise NotFound(f"There is no organisation {domain[:80]}.")
    return found


def developers_only(view: View) -> View:
    """Ask for a log-in, and keep people out of another organisation's portal (they may only browse there)."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require_same_organisation(request.user, organisation(request))
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response

    return login_required(guarded)


def word(request: HttpRequest, name: str) -> str:
    """The query parameter `name` as text a database can look for, empty when absent."""
    return request.GET.get(name, "").replace("\x00", "").strip()


def attempt(request: HttpRequest, act: Callable[..., Any], done: str | Callable[[Any], str], **arguments: Any) -> bool:
    """Carry out an action and say `done` (made of its result when it can be called), or say why it was refused.

    Returns whether it was carried out.
    """
    try:
        result = act(by=request.user, **arguments)
    except ApimError as error:
        details = "; ".join(field.message for field in error.fields)
        messages.error(request, f"{error.description} {details}".strip())
        return False
    messages.success(request, done(result) if callable(done) else done)
    return True
